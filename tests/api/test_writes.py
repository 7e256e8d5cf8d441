"""Each write by the API leaves its lines, in the row's history and in the audit log: who, by what, never a value."""

from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry

from audit.models import Action, Entry
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from vault.editing import add_import, create_folder, create_tag, set_secrets
from vault.models import Folder, Project, Secret

V4, V3 = "/api/v4/secrets", "/api/v3/secrets/raw"
PROJECT = "/api/v1/projects/{project}"
CANARY = "canary-7f3a"
HERE = {"projectId": "{project}", "environment": "dev", "secretPath": "/my-secrets"}
BELOW = {"projectId": "{project}", "environment": "dev", "path": "/my-secrets"}


def pair(key: str, **fields: object) -> dict[str, object]:
    return {"secretKey": key, "secretValue": CANARY} | fields


# A request, and what was done to which kinds of rows; all by one of these words.
WRITES: dict[str, tuple[str, str, dict[str, Any], list[tuple[int, str]]]] = {
    "a project": ("POST", "/api/v1/projects", {"projectName": "Other"}, [(ADDITION, "project")]),
    "a project's name": ("PATCH", PROJECT, {"name": "Store"}, [(CHANGE, "project")]),
    "an environment": (
        "POST",
        f"{PROJECT}/environments",
        {"name": "QA", "slug": "qa"},
        [(ADDITION, "environment")],
    ),
    "an environment's slug": (
        "PATCH",
        f"{PROJECT}/environments/{{environment}}",
        {"slug": "live"},
        [(CHANGE, "environment")],
    ),
    "an environment goes": ("DELETE", f"{PROJECT}/environments/{{environment}}", {}, [(DELETION, "environment")]),
    "a folder": (
        "POST",
        "/api/v2/folders",
        BELOW | {"name": "new", "description": CANARY},
        [(ADDITION, "folder")],
    ),
    "a folder's name": (
        "PATCH",
        "/api/v2/folders/{shared}",
        BELOW | {"path": "/", "name": "common"},
        [(CHANGE, "folder")],
    ),
    "a folder goes": ("DELETE", "/api/v2/folders/{empty}", BELOW | {"path": "/"}, [(DELETION, "folder")]),
    "an import": (
        "POST",
        "/api/v2/secret-imports",
        BELOW | {"import": {"environment": "dev", "path": "/empty"}},
        [(ADDITION, "secretimport")],
    ),
    "an import goes": ("DELETE", "/api/v2/secret-imports/{import}", BELOW, [(DELETION, "secretimport")]),
    "a tag": ("POST", f"{PROJECT}/tags", {"slug": "new", "color": "red"}, [(ADDITION, "tag")]),
    "a tag's slug": ("PATCH", f"{PROJECT}/tags/{{tag}}", {"slug": "cold", "color": ""}, [(CHANGE, "tag")]),
    "a tag goes": ("DELETE", f"{PROJECT}/tags/{{tag}}", {}, [(DELETION, "tag")]),
    "a secret": ("POST", f"{V4}/NEW", HERE | {"secretValue": CANARY}, [(ADDITION, "secret")]),
    "a secret by the older route": ("POST", f"{V3}/NEW", HERE | {"secretValue": CANARY}, [(ADDITION, "secret")]),
    "a secret's value": ("PATCH", f"{V4}/API_KEY", HERE | {"secretValue": CANARY}, [(CHANGE, "secret")]),
    "a secret's key": ("PATCH", f"{V4}/API_KEY", HERE | {"newSecretName": "TOKEN"}, [(CHANGE, "secret")]),
    "a secret's metadata": (
        "PATCH",
        f"{V4}/API_KEY",
        HERE | {"secretMetadata": [{"key": "pin", "value": CANARY, "isEncrypted": True}]},
        [(CHANGE, "secret")],
    ),
    "a secret goes": ("DELETE", f"{V4}/API_KEY", HERE, [(DELETION, "secret")]),
    "secrets": ("POST", f"{V4}/batch", HERE | {"secrets": [pair("A"), pair("B")]}, [(ADDITION, "secret")] * 2),
    "secrets' values": (
        "PATCH",
        f"{V4}/batch",
        HERE | {"secrets": [pair("API_KEY"), pair("DB_URL")]},
        [(CHANGE, "secret")] * 2,
    ),
    "secrets that are there and that are not": (
        "PATCH",
        f"{V4}/batch",
        HERE | {"mode": "upsert", "secrets": [pair("API_KEY"), pair("NEW")]},
        [(CHANGE, "secret"), (ADDITION, "secret")],
    ),
    "secrets go": (
        "DELETE",
        f"{V4}/batch",
        HERE | {"secrets": [{"secretKey": "API_KEY"}, {"secretKey": "DB_URL"}]},
        [(DELETION, "secret")] * 2,
    ),
}
ACTIONS = {ADDITION: Action.ADDED, CHANGE: Action.CHANGED, DELETION: Action.DELETED}


@pytest.fixture
def ids(project: Project, folder: Folder) -> dict[str, str]:
    set_secrets(folder, {"API_KEY": CANARY + "-old"}, by=ANYBODY)
    dev = folder.environment
    shared, empty = (create_folder(dev, path, by=ANYBODY) for path in ("/shared", "/empty"))
    rows = {
        "project": project,
        "environment": project.environments.get(slug="prod"),
        "shared": shared,
        "empty": empty,
        "import": add_import(folder, shared, by=ANYBODY),
        "tag": create_tag(project, "hot", by=ANYBODY),
    }
    return {name: str(row.pk) for name, row in rows.items()}


def filled(body: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    return {name: value.format(**ids) if isinstance(value, str) else value for name, value in body.items()}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_leaves_a_line_for_each_row(
    editor: Caller, ids: dict[str, str], write: tuple[str, str, dict[str, Any], list[tuple[int, str]]]
) -> None:
    method, address, body, rows = write

    editor.ask(method, address.format(**ids), filled(body, ids))

    entries, lines = list(LogEntry.objects.order_by("id")), list(Entry.objects.order_by("id"))
    assert [(entry.action_flag, entry.content_type and entry.content_type.model) for entry in entries] == rows
    assert [line.action for line in lines] == [ACTIONS[flag] for flag, _ in rows]
    assert {line.actor for line in lines} == {"editor"}
    assert all("through the API with API token tests." in line.detail for line in lines)
    assert [line.object_id for line in lines] == [entry.object_id for entry in entries]
    assert CANARY not in f"{list(LogEntry.objects.values())} {list(Entry.objects.values())}"


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_whoever_may_not_leaves_the_line_that_they_tried(
    viewer: Caller, ids: dict[str, str], write: tuple[str, str, dict[str, Any], list[tuple[int, str]]]
) -> None:
    (method, address, body, _), before = write, Project.objects.get(pk=ids["project"]).revision

    viewer.ask(method, address.format(**ids), filled(body, ids), status=403)

    (line,) = Entry.objects.all()
    assert (line.actor, line.action) == ("viewer (API token tests)", Action.REFUSED)
    assert line.detail.startswith(f"{method} /api/")
    assert CANARY not in f"{line.detail}{line.name}"
    assert not LogEntry.objects.exists()
    assert Project.objects.get(pk=ids["project"]).revision == before


REFUSED: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "a key that is none": ("POST", f"{V4}/1A", HERE | {"secretValue": CANARY}, 422),
    "a secret that is there": ("POST", f"{V4}/API_KEY", HERE | {"secretValue": CANARY}, 400),
    "a secret that is not there": ("PATCH", f"{V4}/NONE", HERE | {"secretValue": CANARY}, 404),
    "one of many": ("POST", f"{V4}/batch", HERE | {"secrets": [pair("A"), pair("1A")]}, 422),
    "one of many twice": ("PATCH", f"{V4}/batch", HERE | {"secrets": [pair("API_KEY"), pair("API_KEY")]}, 400),
    "one of many with a tag that is none": (
        "PATCH",
        f"{V4}/batch",
        HERE | {"secrets": [pair("DB_URL"), pair("API_KEY", tagIds=["3c90c3cc-0d44-4b50-8888-8dd25736052a"])]},
        422,
    ),
    "one of many that is to be new and has a bad key": (
        "PATCH",
        f"{V4}/batch",
        HERE | {"mode": "upsert", "secrets": [pair("API_KEY"), pair("NEW", newSecretName="1A")]},
        422,
    ),
    "a folder that others import": ("DELETE", "/api/v2/folders/{shared}", BELOW | {"path": "/"}, 400),
    "a slug that is taken": ("PATCH", f"{PROJECT}/environments/{{environment}}", {"name": "New", "slug": "dev"}, 400),
    "a tag that is there": ("POST", f"{PROJECT}/tags", {"slug": "hot", "color": ""}, 400),
}


@pytest.mark.parametrize("write", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_changes_nothing_and_was_asked(
    editor: Caller, ids: dict[str, str], write: tuple[str, str, dict[str, Any], int]
) -> None:
    method, address, body, status = write
    before = (list(Secret.objects.order_by("pk").values()), Project.objects.get(pk=ids["project"]).revision)

    answer = editor.ask(method, address.format(**ids), filled(body, ids), status=status)

    assert (list(Secret.objects.order_by("pk").values()), Project.objects.get(pk=ids["project"]).revision) == before
    assert not LogEntry.objects.exists()
    (line,) = Entry.objects.all()
    assert (line.actor, line.action) == ("editor (API token tests)", Action.ASKED)
    assert line.detail.endswith(f"was answered {status}.")
    assert CANARY not in f"{answer} {line.detail}"
