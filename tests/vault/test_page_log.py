"""Each edit by a page leaves a line in the row's history and one in the audit log; a refusal, that it was asked."""

from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.test import Client
from django.urls import reverse

from audit.models import Action, Entry
from tests.actors import ANYBODY
from vault import editing
from vault.models import Folder, Project
from vault.trash import in_trash

CANARY = "canary-7f3a"
# A page, its row, what is sent; then what the line says: what was done to which kind of thing, and in which words.
EDITS: dict[str, tuple[str, str, dict[str, str], int, str, str]] = {
    "a new environment": (
        "environment_add",
        "project",
        {"name": "QA"},
        ADDITION,
        "environment",
        "Added the environment qa.",
    ),
    "an environment's new slug": (
        "environment_edit",
        "environment",
        {"name": "Live", "slug": "live"},
        CHANGE,
        "environment",
        "Changed the environment live.",
    ),
    "an environment goes": (
        "environment_delete",
        "environment",
        {},
        DELETION,
        "environment",
        "Deleted the environment dev.",
    ),
    "a new folder": ("folder_add", "folder", {"path": "a/b"}, ADDITION, "folder", "Added the folder /app/a/b."),
    "a folder's new name": ("folder_edit", "folder", {"name": "api"}, CHANGE, "folder", "Changed the folder /api."),
    "a folder's description": (
        "folder_edit",
        "folder",
        {"name": "app", "description": CANARY},
        CHANGE,
        "folder",
        "Changed the folder /app.",
    ),
    "a folder goes": ("folder_delete", "folder", {}, DELETION, "folder", "Deleted the folder /app."),
    "a new secret": ("secret_add_page", "folder", {"key": "NEW", "value": CANARY}, ADDITION, "secret", "Added NEW."),
    "a new value": (
        "secret_edit",
        "secret",
        {"key": "TOKEN", "value": CANARY + "-2", "version": "2"},
        CHANGE,
        "secret",
        "Saved TOKEN; it is at version 3.",
    ),
    "a new key": (
        "secret_edit",
        "secret",
        {"key": "KEY", "value": "", "version": "2"},
        CHANGE,
        "secret",
        "Saved KEY; it is at version 2.",
    ),
    "an emptied value": (
        "secret_edit",
        "secret",
        {"key": "TOKEN", "is_emptied": "on", "version": "2"},
        CHANGE,
        "secret",
        "Saved TOKEN; it is at version 3.",
    ),
    "a version is back": (
        "secret_restore",
        "secret",
        {"version": "1"},
        CHANGE,
        "secret",
        "Restored version 1 of TOKEN; it is now version 3.",
    ),
    "a value is read": ("secret_reveal", "secret", {}, CHANGE, "secret", "Revealed the value of version 2."),
    "an older value is read": (
        "secret_reveal",
        "secret",
        {"version": "1"},
        CHANGE,
        "secret",
        "Revealed the value of version 1.",
    ),
    "a value is copied": (
        "secret_reveal",
        "secret",
        {"copy": "yes"},
        CHANGE,
        "secret",
        "Revealed the value of version 2 to copy it.",
    ),
    "a value is read to edit it": (
        "secret_reveal_edit",
        "secret",
        {},
        CHANGE,
        "secret",
        "Revealed the value of version 2 to edit it.",
    ),
    "a value is read as Devin gets it": (
        "secret_resolve",
        "secret",
        {},
        CHANGE,
        "secret",
        "Revealed the value of version 2 as a reader gets it.",
    ),
    "a secret goes": ("secret_delete_page", "secret", {}, DELETION, "secret", "Deleted TOKEN."),
    "a new import": ("import_add", "folder", {"source": "root"}, CHANGE, "folder", "Added the import of dev:/."),
    "an import moves": (
        "import_move",
        "import",
        {"direction": "up"},
        CHANGE,
        "folder",
        "Moved the import of dev:/shared.",
    ),
    "what was deleted is back": ("trash_restore", "trashed", {}, ADDITION, "secret", "Restored GONE of dev:/app."),
    "it goes for good": (
        "trash_delete",
        "trashed",
        {"seen": "trashed"},
        DELETION,
        "deleted item",
        "Deleted 1 secret for good.",
    ),
    "an import ends": ("import_delete", "import", {}, CHANGE, "folder", "Removed the import of dev:/shared."),
}
REFUSED: dict[str, tuple[str, str, dict[str, str]]] = {
    "a slug that is taken": ("environment_edit", "environment", {"name": "X", "slug": "prod"}),
    "a folder that is there": ("folder_add", "root", {"path": "app"}),
    "a name with a slash": ("folder_edit", "folder", {"name": "a/b"}),
    "a folder that others import": ("folder_delete", "shared", {}),
    "a key that is no key": ("secret_add_page", "folder", {"key": "not a key", "value": CANARY}),
    "a key that is there": ("secret_add_page", "folder", {"key": "TOKEN", "value": CANARY}),
    "a version of somebody else": ("secret_edit", "secret", {"key": "TOKEN", "value": CANARY, "version": "1"}),
    "a value that can never be resolved": (
        "secret_edit",
        "secret",
        {"key": "TOKEN", "value": "${@a.b.C}", "version": "2"},
    ),
    "a version that is not there": ("secret_restore", "secret", {"version": "9"}),
    "a value that is not there": ("secret_reveal", "secret", {"version": "9"}),
    "no direction": ("import_move", "import", {"direction": "sideways"}),
    "an import of itself": ("import_add", "folder", {"source": "folder"}),
    "an import in a circle": ("import_add", "shared", {"source": "folder"}),
}


@pytest.fixture
def rows(app: Folder, shared: Folder, root: Folder) -> dict[str, Any]:
    editing.set_secret(app, "TOKEN", CANARY + "-old", by=ANYBODY)
    secret = editing.set_secret(app, "TOKEN", CANARY, by=ANYBODY)
    editing.delete_secret(editing.set_secret(app, "GONE", CANARY, by=ANYBODY), by=ANYBODY)
    row = editing.add_import(app, shared, by=ANYBODY)
    return {
        "project": app.environment.project,
        "environment": app.environment,
        "folder": app,
        "shared": shared,
        "root": root,
        "secret": secret,
        "import": row,
        "trashed": in_trash().get(),
    }


def post(client: Client, page: str, row: Any, rows: dict[str, Any], data: dict[str, str]) -> Any:
    sent = {name: str(rows[text].pk) if text in rows else text for name, text in data.items()}
    return client.post(reverse(f"admin:vault_{page}", args=[row.pk]), sent, follow=True)


def lines() -> list[Entry]:
    return list(Entry.objects.exclude(action=Action.LOGGED_IN))


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edit_leaves_one_line_without_a_value(
    editor: Client, rows: dict[str, Any], edit: tuple[str, str, dict[str, str], int, str, str]
) -> None:
    page, row, data, flag, kind, message = edit

    response = post(editor, page, rows[row], rows, data)

    entry, (line,) = LogEntry.objects.get(), lines()
    assert (entry.user.username, entry.action_flag, entry.change_message) == ("editor", flag, message)
    assert entry.content_type is not None
    assert entry.content_type.name == kind
    assert (line.actor, line.kind, line.name, line.detail) == ("editor", kind, entry.object_repr, message)
    assert line.object_id == entry.object_id
    assert CANARY not in f"{list(LogEntry.objects.values())} {list(Entry.objects.values())}"
    if "reveal" not in page and "resolve" not in page:
        assert [said for said in response.context["messages"] if str(said).startswith(message)]
        assert CANARY not in response.content.decode() or "description" in data


@pytest.mark.parametrize("edit", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_changes_nothing_and_was_asked(
    editor: Client, rows: dict[str, Any], announced: list[set[str]], edit: tuple[str, str, dict[str, str]]
) -> None:
    (page, row, data), project = edit, rows["project"]
    before = Project.objects.get(pk=project.pk).revision
    announced.clear()

    response = post(editor, page, rows[row], rows, data)

    assert response.status_code == 200
    assert CANARY not in response.content.decode()
    assert not LogEntry.objects.exists()
    assert [(line.action, line.kind, line.name) for line in lines()] == [(Action.ASKED, f"vault_{page}", "")]
    assert CANARY not in lines()[0].detail
    assert (Project.objects.get(pk=project.pk).revision, announced) == (before, [])


def test_a_deleted_row_keeps_its_lines(editor: Client, rows: dict[str, Any]) -> None:
    secret = rows["secret"]
    for page in ("secret_reveal", "secret_delete_page"):
        post(editor, page, secret, rows, {})

    assert [line.detail for line in lines()] == ["Deleted TOKEN.", "Revealed the value of version 2."]
    assert {line.object_id for line in lines()} == {str(secret.pk)}


def test_text_of_a_file_is_one_line_with_counts(editor: Client, rows: dict[str, Any]) -> None:
    text = f"TOKEN={CANARY}-new\nNEW={CANARY}\nOTHER={CANARY}"
    kept = post(editor, "dotenv", rows["folder"], rows, {"text": text}).context["kept"]
    assert not LogEntry.objects.exists()

    post(editor, "dotenv", rows["folder"], rows, {"kept": kept})

    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.action_flag) == (str(rows["folder"].pk), CHANGE)
    assert entry.change_message == "Secrets from .env text: 2 added, 1 changed, 0 as before."
    assert Entry.objects.latest("id").detail == entry.change_message
