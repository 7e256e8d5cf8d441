"""The ways to write a sync, behind one interface: each posts, sends or applies what its own users would.

A method answers "" if the face did it, else what it said to refuse it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, Protocol

import yaml
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pydantic.alias_generators import to_camel

from syncs.models import DevinSync
from syncs.options import OPTIONS
from tests.api.conftest import Caller
from tests.syncs.reviewing import answer_review, is_review
from tests.syncs.wizard_walk import Walk, posted_options
from vault.models import Folder

DEVIN = "/api/v1/secret-syncs/devin"


class Face(Protocol):
    # As the log goes on: "Added in the wizard."
    way: str
    can: frozenset[str]

    def create(self, like: DevinSync, **fields: Any) -> str: ...

    def change(self, sync: DevinSync, *, removes_old: bool = False, **fields: Any) -> str: ...

    def delete(self, sync: DevinSync, *, removes_secrets: bool) -> str: ...


@dataclass
class Wizard:
    client: Client
    way = "in the wizard"
    can = frozenset({"create"})

    def create(self, like: DevinSync, **fields: Any) -> str:
        assert like.folder is not None
        details = {"name": fields.pop("name")} | ({"is_enabled": "on"} if fields.pop("is_enabled", True) else {})
        org_id = fields.pop("org_id", like.org_id)
        walk = Walk(self.client, fields.pop("folder", like.folder), like.connection, org_id, fields, details)
        walk.begin()
        for step in ("source", "destination", "options", "details"):
            page = walk.post(step)
            if page.status_code != 302:
                return str(page.context["form"].errors)
        page = self.client.get(reverse("admin:syncs_devinsync_wizard", args=["review"]))
        made = walk.create(page, confirm=True)
        return "" if DevinSync.objects.filter(name=details["name"]).count() else made.content.decode()

    def change(self, sync: DevinSync, *, removes_old: bool = False, **fields: Any) -> str:
        raise NotImplementedError

    def delete(self, sync: DevinSync, *, removes_secrets: bool) -> str:
        raise NotImplementedError


@dataclass
class Admin:
    client: Client
    way = "in the admin"
    can = frozenset({"change", "delete", "rename"})

    def create(self, like: DevinSync, **fields: Any) -> str:
        raise NotImplementedError

    def change(self, sync: DevinSync, *, removes_old: bool = False, **fields: Any) -> str:
        wanted = DevinSync.objects.get(pk=sync.pk)
        for name, value in fields.items():
            setattr(wanted, name, value)
        posted = {
            "name": wanted.name,
            "description": wanted.description,
            "folder": wanted.folder_id,
            "connection": wanted.connection_id,
            "org_id": wanted.org_id,
            "seen_version": wanted.version,
            **posted_options(wanted),
            **({"is_enabled": "on"} if wanted.is_enabled else {}),
        }
        if wanted.org_id != sync.org_id:
            posted["old_secrets"] = "remove" if removes_old else "leave"
        page = self.client.post(reverse("admin:syncs_devinsync_change", args=[sync.pk]), posted)
        if is_review(page):
            page = answer_review(self.client, page, "sync" if wanted.auto_sync_enabled else "later")
        return "" if page.status_code == 302 else str(page.context["errors"])

    def delete(self, sync: DevinSync, *, removes_secrets: bool) -> str:
        address = reverse("admin:syncs_devinsync_delete", args=[sync.pk])
        page = self.client.post(address, {"secrets": "remove" if removes_secrets else "leave"}, follow=True)
        told = [str(message) for message in page.context["messages"] if message.level_tag == "error"]
        return " ".join(told)


@dataclass
class Rest:
    caller: Caller
    way = "through the API with API token tests"
    can = frozenset({"create", "change", "delete", "rename"})

    def create(self, like: DevinSync, **fields: Any) -> str:
        body = {
            "projectId": str(like.project_id),
            "connectionId": str(like.connection_id),
            "environment": like.source_environment,
            "secretPath": like.source_path,
            "syncOptions": {},
            "destinationConfig": {"orgId": like.org_id},
        }
        return self._send("POST", DEVIN, body | self._body(DevinSync(), fields))

    def change(self, sync: DevinSync, *, removes_old: bool = False, **fields: Any) -> str:
        sync.refresh_from_db()
        query = "?removeSecrets=true" if removes_old else ""
        return self._send("PATCH", f"{DEVIN}/{sync.pk}{query}", self._body(sync, fields))

    def delete(self, sync: DevinSync, *, removes_secrets: bool) -> str:
        return self._send("DELETE", f"{DEVIN}/{sync.pk}?removeSecrets={str(removes_secrets).lower()}", None)

    def _send(self, method: str, path: str, body: Any) -> str:
        response = self.caller.send(method, path, body)
        assert response.status_code < 500, response.content
        return "" if response.status_code == 200 else str(response.json()["message"])

    def _body(self, sync: DevinSync, fields: dict[str, Any]) -> dict[str, Any]:
        """`syncOptions` are replaced whole, so the others are sent as they are."""
        options = {name: getattr(sync, name) for name in OPTIONS} | {k: v for k, v in fields.items() if k in OPTIONS}
        body = {
            to_camel(name): value for name, value in fields.items() if name in ("name", "description", "is_enabled")
        }
        if "org_id" in fields:
            body["destinationConfig"] = {"orgId": fields["org_id"]}
        if isinstance(folder := fields.get("folder"), Folder):
            body |= {"environment": folder.environment.slug, "secretPath": folder.path}
        return body | {"syncOptions": {to_camel(name): value for name, value in options.items()}}


@dataclass
class Apply:
    file: Path
    user: User
    way = "on the command line"
    can = frozenset({"create", "change"})

    def create(self, like: DevinSync, **fields: Any) -> str:
        return self._apply(self._entry(like) | self._fields(fields))

    def change(self, sync: DevinSync, *, removes_old: bool = False, **fields: Any) -> str:
        return self._apply(self._entry(sync) | self._fields(fields), *(["--remove-secrets"] if removes_old else []))

    def delete(self, sync: DevinSync, *, removes_secrets: bool) -> str:
        raise NotImplementedError

    def _entry(self, sync: DevinSync) -> dict[str, Any]:
        sync.refresh_from_db()
        return {
            "name": sync.name,
            "project": sync.project.slug,
            "environment": sync.source_environment,
            "path": sync.source_path,
            "connection": sync.connection.name,
            "org_id": sync.org_id,
        }

    def _fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        folder = fields.pop("folder", None)
        place = {"environment": folder.environment.slug, "path": folder.path} if folder else {}
        return fields | place

    def _apply(self, entry: dict[str, Any], *options: str) -> str:
        self.file.write_text(yaml.safe_dump({"syncs": [entry]}))
        try:
            call_command("apply", str(self.file), "--actor", self.user.username, *options, verbosity=0)
        except CommandError as error:
            return str(error)
        return ""


FACES: dict[str, Callable[..., Face]] = {"wizard": Wizard, "admin": Admin, "api": Rest, "apply": Apply}


def plain(text: str) -> str:
    """Without the marks that one face puts around a name and another does not."""
    return re.sub("[“”]", "", unescape(text))
