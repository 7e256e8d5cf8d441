"""The trash of a project on its pages: what it shows, "Undo", "Restore", "Delete for good", and who may."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from tests.vault.test_page_permissions import person
from vault import editing
from vault.models import Environment, Folder, Project, Secret, TrashEntry
from vault.trash import in_trash

CANARY = "canary-trash-90d1"
UNDO = re.compile(r'form="undo" formaction="([^"]+)"')


def url(name: str, row: Any) -> str:
    return reverse(f"admin:vault_{name}", args=[getattr(row, "pk", row)])


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def filled(app: Folder) -> Folder:
    editing.set_secrets(app, {"A": CANARY, "B": "${A}"}, by=ANYBODY)
    return app


def delete(client: Client, name: str, row: Any) -> Any:
    return client.post(url(name, row), follow=True)


def test_a_deletion_is_undone_in_one_click(editor: Client, filled: Folder) -> None:
    page = delete(editor, "secret_delete_page", filled.secrets.get(key="A"))
    (address,) = UNDO.findall(page.content.decode())
    assert '<form id="undo" method="post" hidden>' in page.content.decode()

    again = editor.post(address, follow=True)

    assert "Restored A of dev:/app." in text_of(again)
    assert filled.secrets.filter(key="A").exists()
    assert CANARY not in again.content.decode()
    assert "There is nothing left to undo" in text_of(editor.post(address, follow=True))


@pytest.mark.parametrize(("page", "of"), [("folder_delete", "folder"), ("environment_delete", "environment")])
def test_so_is_that_of_a_folder_and_of_an_environment(editor: Client, filled: Folder, page: str, of: str) -> None:
    row = filled if of == "folder" else filled.environment
    (address,) = UNDO.findall(delete(editor, page, row).content.decode())

    assert "Restored " in text_of(editor.post(address, follow=True))

    assert Secret.objects.filter(folder=filled.pk).count() == 2


def test_ticked_secrets_are_undone_together(editor: Client, filled: Folder) -> None:
    ids = [str(secret.pk) for secret in filled.secrets.all()]
    sent = {"action": "delete_selected", "_selected_action": ids}
    listed = reverse("admin:vault_secret_changelist")
    assert "It stays in the trash for 7 days." in text_of(editor.post(listed, sent))
    page = editor.post(listed, sent | {"post": "yes"}, follow=True)
    assert not filled.secrets.exists()

    again = editor.post(UNDO.findall(page.content.decode())[0], follow=True)

    assert filled.secrets.count() == 2
    assert "Restored 2 secrets." in text_of(again)
    assert LogEntry.objects.filter(action_flag=ADDITION, object_id__in=ids).count() == 2


def test_so_are_those_that_were_ticked_in_a_folder(editor: Client, filled: Folder) -> None:
    sent = {"key": ["A", "B"]}
    asked = editor.post(url("secrets_delete", filled), sent)
    assert "It stays in the trash for 7 days." in text_of(asked)
    seen = {"seen": asked.context["foreseen"].seen, "confirmed": "yes"}
    page = editor.post(url("secrets_delete", filled), sent | seen, follow=True)
    assert not filled.secrets.exists()

    editor.post(UNDO.findall(page.content.decode())[0])

    assert filled.secrets.count() == 2


def test_nobody_undoes_what_another_deleted(editor: Client, client_of: ClientOf, filled: Folder) -> None:
    (address,) = UNDO.findall(delete(editor, "secret_delete_page", filled.secrets.get(key="A")).content.decode())

    client_of("superuser").post(address)

    assert not filled.secrets.filter(key="A").exists()


def test_undo_is_offered_to_who_may_bring_it_back(filled: Folder) -> None:
    client = person("deleter", {"delete_secret", "view_secret", "view_folder", "view_project"})
    page = delete(client, "secret_delete_page", filled.secrets.get(key="A"))
    assert UNDO.findall(page.content.decode()) == []

    assert client.post(url("trash_undo", in_trash().get().deletion)).status_code == 403
    assert client.post(url("trash_restore", in_trash().get())).status_code == 403


def test_shows_what_it_holds_and_finds_it(editor: Client, project: Project, filled: Folder) -> None:
    empty = text_of(editor.get(url("trash_page", project)))
    assert "The trash is empty" in empty
    delete(editor, "secret_delete_page", filled.secrets.get(key="A"))
    delete(editor, "folder_delete", filled)

    page = editor.get(url("trash_page", project))

    assert "1 folder, 1 secret" in text_of(page)
    assert "by editor" in text_of(page)
    assert {one.goes_at - one.row.deleted_at for one in page.context["rows"]} == {timedelta(days=7)}
    assert CANARY not in page.content.decode()
    found = editor.get(url("trash_page", project), {"q": "dev:/app"})
    assert [one.row.name for one in found.context["rows"]] == ["A"]


def test_a_name_that_is_taken_again_is_refused_with_a_way_out(editor: Client, filled: Folder) -> None:
    delete(editor, "secret_delete_page", filled.secrets.get(key="A"))
    editing.set_secret(filled, "A", "other", by=ANYBODY)

    page = text_of(editor.post(url("trash_restore", in_trash().get()), follow=True))

    assert "Nothing was restored. There is a secret A in dev:/app again. Give that one another key or delete it" in page
    assert in_trash().count() == 1


def test_an_import_that_is_left_out_is_told_before(editor: Client, filled: Folder, shared: Folder) -> None:
    editing.add_import(filled, shared, by=ANYBODY)
    delete(editor, "folder_delete", filled)
    delete(editor, "folder_delete", shared)
    address = url("trash_restore", in_trash().get(name="/app"))

    page = editor.post(address)
    assert "1 import is left out, because the folder to import from is gone or in the trash itself." in text_of(page)
    assert not Folder.objects.filter(pk=filled.pk).exists()
    editor.post(address, {"seen": page.context["question"].seen})

    assert Folder.objects.filter(pk=filled.pk).exists()


def test_for_good_is_confirmed_and_counted(editor: Client, project: Project, filled: Folder) -> None:
    delete(editor, "secret_delete_page", filled.secrets.get(key="A"))
    delete(editor, "folder_delete", filled)
    address = url("trash_delete", in_trash().get(name="/app"))

    page = editor.get(address)
    assert "Gone for good, with all versions: 1 folder, 2 secrets." in text_of(page)
    assert "A of dev:/app" in text_of(page)
    assert in_trash().count() == 2
    editor.post(address, {"seen": page.context["seen"]})

    assert not TrashEntry.objects.exists()


def test_for_good_takes_having_seen_all_of_it(editor: Client, filled: Folder) -> None:
    delete(editor, "folder_delete", filled)
    address = url("trash_delete", in_trash().get())

    assert "What would go has changed" in text_of(editor.post(address))

    assert in_trash().count() == 1


def test_for_good_takes_every_right_that_its_contents_take(filled: Folder) -> None:
    editing.delete_secret(filled.secrets.get(key="A"), by=ANYBODY)
    editing.delete_folder(Folder.objects.get(pk=filled.pk), by=ANYBODY)
    user = User.objects.create_user("folders-only", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_project", "delete_folder"]))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(url("trash_delete", in_trash().get(name="/app"))).status_code == 403
    assert client.post(url("trash_delete", in_trash().get(name="A"))).status_code == 403


def test_says_before_a_deletion_how_long_it_stays(editor: Client, filled: Folder) -> None:
    environment = Environment.objects.get(pk=filled.environment_id)
    for name, row in (
        ("secret_delete_page", filled.secrets.get(key="A")),
        ("folder_delete", filled),
        ("environment_delete", environment),
    ):
        assert "It stays in the trash for 7 days." in text_of(editor.get(url(name, row)))
