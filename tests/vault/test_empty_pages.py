"""What pages say where there is nothing yet, and to whom: what to do next, if they may do it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import editing
from vault.binding import accept_folder
from vault.models import Environment, Folder, Project, Secret, SecretImport


def get(client: Client, name: str, row: Any = None, **query: str) -> str:
    response = client.get(reverse(f"admin:vault_{name}", args=[row.pk] if row else []), query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_no_project_yet(client_of: ClientOf) -> None:
    editor, viewer = get(client_of("editor"), "project_changelist"), get(client_of("viewer"), "project_changelist")

    for page in (editor, viewer):
        assert "No projects yet" in page
        assert "A project holds environments" in page
    assert "Add project" in editor
    assert "Add project" not in viewer


def test_no_secret_yet(client_of: ClientOf) -> None:
    for role in ("editor", "viewer"):
        page = get(client_of(role), "secret_changelist")
        assert "No secrets yet" in page
        assert "on the page of a folder" in page


def test_no_secret_that_fits(editor: Client, app: Folder) -> None:
    editing.set_secret(app, "A", "1", by=ANYBODY)

    page = get(editor, "secret_changelist", q="nothing")

    assert "Nothing matches" in page
    assert "Show all" in page


def test_a_project_without_environments(client_of: ClientOf, db: None) -> None:
    project = editing.create_project(name="Empty", environments=(), by=ANYBODY)
    add = reverse("admin:vault_environment_add", args=[project.pk])
    editor, viewer = (
        get(client_of("editor"), "project_page", project),
        get(client_of("viewer"), "project_page", project),
    )

    for page in (editor, viewer):
        assert "No environments yet" in page
    assert f'href="{add}">Add an environment' in editor
    assert add not in viewer
    assert "Somebody who may add environments" in viewer


def test_a_folder_without_anything(client_of: ClientOf, app: Folder) -> None:
    editor, viewer = get(client_of("editor"), "folder_page", app), get(client_of("viewer"), "folder_page", app)

    for page in (editor, viewer):
        assert "No secrets in this folder" in page
        assert "None. An import shows the secrets of another folder here" in page
        assert "None below this one." in page
        assert "Read by" not in page
        assert "Search keys" not in page
    for route in ("secret_add_page", "dotenv", "import_add", "folder_add"):
        address = reverse(f"admin:vault_{route}", args=[app.pk])
        assert address in editor
        assert address not in viewer
    assert "Somebody who may add secrets can fill it." in viewer


def test_a_search_without_a_hit(editor: Client, app: Folder) -> None:
    editing.set_secret(app, "A", "1", by=ANYBODY)

    page = get(editor, "folder_page", app, q="<none>")

    assert "No key of this folder contains “&lt;none&gt;”." in page
    assert 'href="?">Show all' in page
    assert "No secrets in this folder" not in page


def test_an_import_that_brings_nothing(editor: Client, app: Folder, shared: Folder) -> None:
    editing.add_import(app, shared, by=ANYBODY)

    page = get(editor, "folder_page", app)

    assert "Brings no secrets." in page
    assert 'value="up"' not in page
    assert 'value="down"' not in page


def test_only_the_ends_of_a_list_of_imports_lack_a_way(editor: Client, dev: Environment, app: Folder) -> None:
    for name in "xyz":
        editing.add_import(app, editing.create_folder(dev, f"/{name}", by=ANYBODY), by=ANYBODY)

    page = get(editor, "folder_page", app)

    assert (page.count('value="up"'), page.count('value="down"')) == (2, 2)


def test_imports_that_go_round_are_said_to(editor: Client, app: Folder, shared: Folder) -> None:
    """No page makes them; a restored table that was accepted as it is might."""
    editing.set_secret(app, "A", "1", by=ANYBODY)
    SecretImport.objects.create(folder=app, source=shared)
    SecretImport.objects.create(folder=shared, source=app)
    for folder in (app, shared):
        accept_folder(Folder.objects.select_related("environment").get(pk=folder.pk))

    page = get(editor, "folder_page", app)

    assert "The imports can&#x27;t be shown." in page or "The imports can't be shown." in page
    assert "lead back to it. Remove one of them." in page
    assert ">A</code>" in page
    secret = get(editor, "secret_page", Secret.objects.get())
    assert "Syncs that read this secret fail" not in secret


def test_a_secret_that_nobody_uses_or_has_changed(editor: Client, app: Folder) -> None:
    secret = editing.set_secret(app, "A", "1", by=ANYBODY)

    page = get(editor, "secret_page", secret)

    for heading in ("Uses", "Used by", "References"):
        assert f"<dt>{heading}</dt>" not in page
    assert "<dt>Comment</dt><dd>–</dd>" in page
    assert 'data-label="Who">–<' in page
    assert page.count("Current") == 1
    assert "Restore<" not in page


def test_an_empty_value_is_said_to_be_one(editor: Client, app: Folder) -> None:
    secret = editing.set_secret(app, "A", "", by=ANYBODY)

    page = editor.post(reverse("admin:vault_secret_reveal", args=[secret.pk])).content.decode()

    assert "The value is empty." in page
    assert "revealed-value" not in page


def test_whoever_is_gone_leaves_a_dash(client_of: ClientOf, app: Folder) -> None:
    ghost = User.objects.create_user("ghost", is_staff=True)
    secret = editing.set_secret(app, "A", "1", by=editing.Actor.on_command_line(ghost))
    editor = client_of("editor")
    assert "by ghost" in get(editor, "secret_page", secret)

    ghost.delete()

    for name, row in (("secret_page", secret), ("folder_page", app)):
        assert "by ghost" not in get(editor, name, row)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_counts_agree_with_their_nouns(
    editor: Client, project: Project, app: Folder, shared: Folder, count: int
) -> None:
    editing.set_secrets(shared, {f"K{number}": "1" for number in range(count)}, by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)
    said = f"{count} secret" + ("" if count == 1 else "s")

    assert said in get(editor, "project_page", project)
    assert f"{said} with all versions" in get(editor, "folder_delete", shared)
    assert said in get(editor, "folder_page", app) or not count
