"""How many statements an edit and a page take: as many for one row as for forty."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.actors import ANYBODY
from vault import editing
from vault.editing import Edit, Labels
from vault.models import Environment, Folder
from vault.trash import in_trash

# SQLite itself takes up to ninety of these rows in one statement.
FEW, MANY = 2, 40


def statements(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        act()
    return len(queries)


def fill(folder: Folder, count: int, value: str = "1") -> Folder:
    editing.set_secrets(folder, {f"K{number}": value for number in range(count)}, by=ANYBODY)
    return Folder.objects.select_related("environment").get(pk=folder.pk)


def edits(folder: Folder, **what: Any) -> list[Edit]:
    rows = folder.secrets.select_related("folder__environment")
    return [Edit(one, **{name: change(one) for name, change in what.items()}) for one in rows]


def restoring(folder: Folder) -> Callable[[], object]:
    editing.delete_secrets(folder.secrets.select_related("folder__environment"), by=ANYBODY)
    entries = list(in_trash().filter(folder=folder.pk))
    return lambda: editing.restore_all(entries, by=ANYBODY)


EDITS: dict[str, Callable[[Folder], Callable[[], object]]] = {
    "new secrets": lambda folder: (
        lambda: editing.set_secrets(
            folder, {f"{one.key}_": f"${{{one.key}}}" for one in folder.secrets.all()}, by=ANYBODY
        )
    ),
    "new values": lambda folder: (
        lambda: editing.set_secrets(
            folder, dict.fromkeys(folder.secrets.values_list("key", flat=True), "${A}"), by=ANYBODY
        )
    ),
    "comments": lambda folder: (
        lambda: editing.update_secrets(folder, edits(folder, comment=lambda one: f"of {one.key}"), by=ANYBODY)
    ),
    "keys": lambda folder: (
        lambda: editing.update_secrets(folder, edits(folder, key=lambda one: f"{one.key}_"), by=ANYBODY)
    ),
    "switches": lambda folder: (
        lambda: editing.update_secrets(folder, edits(folder, is_literal=lambda one: True), by=ANYBODY)
    ),
    "reminders": lambda folder: (
        lambda: editing.set_labels(
            folder.environment.project_id, {one: Labels(reminder_days=3) for one in folder.secrets.all()}, by=ANYBODY
        )
    ),
    "secrets that go": lambda folder: (
        lambda: editing.delete_secrets(folder.secrets.select_related("folder__environment"), by=ANYBODY)
    ),
    "secrets that come back": restoring,
    "a preview": lambda folder: (
        lambda: editing.preview_secrets(
            folder, {f"K{number}": "2" for number in range(folder.secrets.count())}, by=ANYBODY
        )
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edit_of_many_secrets(app: Folder, shared: Folder, edit: Callable[[Folder], Callable[[], object]]) -> None:
    few, many = edit(fill(app, FEW)), edit(fill(shared, MANY))

    assert statements(few) == statements(many)


def test_folders_move_and_go_in_as_many_statements_whatever_is_below(dev: Environment) -> None:
    # Up to three seals are written one by one, which is the quicker.
    for name, count in (("few", FEW + 2), ("many", MANY)):
        for number in range(count):
            fill(editing.create_folder(dev, f"/{name}/x{number}", by=ANYBODY), 1)

    def folder(name: str) -> Folder:
        return Folder.objects.select_related("environment", "parent").get(name=name)

    few, many = folder("few"), folder("many")
    assert statements(lambda: editing.rename_folder(few, "few_", by=ANYBODY)) == statements(
        lambda: editing.rename_folder(many, "many_", by=ANYBODY)
    )
    few, many = folder("few_"), folder("many_")
    assert statements(lambda: editing.delete_folder(few, by=ANYBODY)) == statements(
        lambda: editing.delete_folder(many, by=ANYBODY)
    )


PAGES: dict[str, Callable[[Folder], str]] = {
    "a folder": lambda folder: reverse("admin:vault_folder_page", args=[folder.pk]),
    "a folder's deletion": lambda folder: reverse("admin:vault_folder_delete", args=[folder.pk]),
    "a folder's search": lambda folder: reverse("admin:vault_folder_page", args=[folder.pk]) + "?q=K",
    "a secret": lambda folder: reverse("admin:vault_secret_page", args=[folder.secrets.get(key="K0").pk]),
    "a secret's deletion": lambda folder: reverse(
        "admin:vault_secret_delete_page", args=[folder.secrets.get(key="K0").pk]
    ),
    "a project": lambda folder: reverse("admin:vault_project_page", args=[folder.environment.project_id]),
    "an import": lambda folder: reverse("admin:vault_import_add", args=[folder.pk]),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_a_page_of_much(
    editor: Client, dev: Environment, app: Folder, shared: Folder, page: Callable[[Folder], str]
) -> None:
    """With folders below, secrets, versions, imports, references to a secret of the folder and dead ones from it."""

    def grow(*numbers: int) -> None:
        for number in numbers:
            editing.set_secrets(app, {"K0": f"{number}", f"K{number}": "${K0}", f"DEAD{number}": "${NO}"}, by=ANYBODY)
            below = editing.create_folder(dev, f"/app/x{number}", by=ANYBODY)
            editing.set_secrets(below, {f"X{number}": "${dev.app.K0}"}, by=ANYBODY)
            editing.add_import(app, editing.create_folder(dev, f"/other{number}", by=ANYBODY), by=ANYBODY)

    grow(1)
    editor.get(page(app))  # content types are looked up once
    few = statements(lambda: editor.get(page(app)))

    grow(2, 3, 4, 5)

    assert statements(lambda: editor.get(page(app))) == few
