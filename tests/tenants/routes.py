"""Every route of the URL resolver, filled with what belongs to a team."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.urls import get_resolver, reverse

from tests.tenants.building import Tenant

# The row that a route is about, by the model in its name, where it calls it only `pk` or `object_id`. Others are no
# team's.
BY_MODEL = {
    "auth_user": "person",
    "connections_connection": "connection",
    "vault_secret": "secret",
    "vault_project": "project",
    "syncs_managedsecret": "managed",
    "syncs_syncrun": "run",
    "syncs_syncrunchange": "change",
    "syncs_devinsync": "sync",
    "api_hook": "hook",
    "api_apitoken": "token",
    "api_machineidentity": "identity",
    "notices_channel": "channel",
    "notices_rule": "rule",
    "notices_incident": "incident",
    "notices_delivery": "delivery",
}
# What else stands in an address, each with all that it may be.
WORDS = {
    "to": ("csv", "json"),
    "what": ("remove", "repush", "trust", "enable", "enable_auto"),
    "step": ("source", "destination", "options", "details", "review"),
    "app_label": ("vault", "syncs", "connections", "api", "auth", "audit"),
    "url": ("nowhere/",),
}
NOBODYS = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
# A link of one's own, or the end of one's own session: they name no row, and what follows could not be sent.
NOT_SENT = ("logout", "login", "password_change", "infisical")


@dataclass(frozen=True)
class Route:
    """`name` is None for what only leads on."""

    name: str | None
    pattern: str
    converters: Mapping[str, Any]

    @property
    def is_of_linked_project(self) -> bool:
        return (self.name or "").startswith(("sources_project", "sources_poll", "readers_place"))

    def addresses(self, tenant: Tenant) -> list[str]:
        filled = ["/" + re.sub(r"[\^$]", "", self.pattern)]
        for name in self.converters:
            values = self._values(name, tenant)
            filled = [
                re.sub(rf"<(?:\w+:)?{name}>|\(\?P<{name}>[^)]*\)", value, address)
                for address in filled
                for value in values
            ]
        return filled

    def _values(self, name: str, tenant: Tenant) -> tuple[str, ...]:
        if name in WORDS:
            return WORDS[name]
        if name == "content_type_id":
            return (str(ContentType.objects.get_for_model(tenant.rows["sync"]).pk),)
        if name == "deletion":
            return (str(tenant.rows["entry"].deletion),)
        if name == "project_id" and self.is_of_linked_project:
            return (tenant.id_of("linked"),)
        if name in ("object_id", "pk", "id") and self.pattern.startswith("admin/"):
            return self._row_of_model(tenant)
        return (row_called(name.removesuffix("_id"), tenant, otherwise=self._nobodys(name)),)

    def _nobodys(self, name: str) -> str:
        return NOBODYS if f"<uuid:{name}>" in self.pattern else "1"

    def _row_of_model(self, tenant: Tenant) -> tuple[str, ...]:
        app, _, model = self.pattern.removeprefix("admin/").partition("/")
        if app == "r":
            return (tenant.id_of("sync"),)
        what = BY_MODEL.get(f"{app}_{model.split('/')[0]}")
        return (tenant.id_of(what) if what else first_of(app, model.split("/")[0]),)


def row_called(what: str, tenant: Tenant, *, otherwise: str) -> str:
    """The team's row of that name or, of a table that no team was given one of, the first that leads to it."""
    if what in tenant.rows:
        return tenant.id_of(what)
    owners = {"project": tenant.rows["project"], "sync": tenant.rows["sync"], "user": tenant.user}
    for model in (each for each in apps.get_models() if each._meta.model_name == what):
        for name in owners.keys() & {field.name for field in model._meta.fields}:
            if (row := model._default_manager.filter(**{name: owners[name]}).first()) is not None:
                return str(row.pk)
    return otherwise


def first_of(app: str, model: str) -> str:
    """A row that is no team's, or the name of one that is not there."""
    try:
        row = apps.get_model(app, model)._default_manager.order_by("pk").first()
    except LookupError:
        row = None
    return str(row.pk) if row is not None else "1"


def admin_routes() -> list[Route]:
    """Those of people, with the few beside the admin."""
    reverse("admin:index")
    return [route for route in _walk(get_resolver().url_patterns) if not route.pattern.startswith("api/")]


def _walk(patterns: Any, prefix: str = "", converters: Mapping[str, Any] = {}) -> Iterator[Route]:
    for each in patterns:
        pattern, known = prefix + str(each.pattern), {**converters, **each.pattern.converters}
        if hasattr(each, "url_patterns"):
            yield from _walk(each.url_patterns, pattern, known)
        else:
            named = dict.fromkeys(each.pattern.regex.groupindex)
            yield Route(each.name, pattern, named | known)
