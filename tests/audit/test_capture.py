"""What is done leaves a line, however it is done, and the line outlives its author."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from api.models import ApiToken
from audit.models import Action, Entry
from audit.writing import note
from tests.actors import ANYBODY
from vault.editing import add_import, create_environment, create_folder, create_project, set_secrets
from vault.models import Secret

pytestmark = pytest.mark.django_db
CANARY = "canary-value-of-a-secret"


def make(name: str, group: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.set(Group.objects.filter(name=group))
    return user


def browser_of(user: User) -> Client:
    client = Client(REMOTE_ADDR="127.0.0.7")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def lines(**which: Any) -> list[tuple[str, str, str]]:
    return list(Entry.objects.filter(**which).order_by("id").values_list("actor", "action", "name"))


@pytest.fixture
def secret() -> Secret:
    project = create_project(name="Shop", slug="shop", environments=(), by=ANYBODY)
    folder = create_folder(create_environment(project, name="Dev", slug="dev", by=ANYBODY), "/app", by=ANYBODY)
    set_secrets(folder, {"API_KEY": CANARY}, by=ANYBODY)
    return folder.secrets.get()


def test_a_reveal_outlives_the_one_who_did_it(secret: Secret) -> None:
    ghost = make("ghost", "Editor")
    browser_of(ghost).post(reverse("admin:vault_secret_reveal", args=[secret.pk]))

    ghost.delete()

    assert not LogEntry.objects.exists()
    entry = Entry.objects.get(kind="secret")
    assert (entry.actor, entry.name, entry.address) == ("ghost", "API_KEY", "127.0.0.7")
    assert "Revealed" in entry.detail
    assert entry.request_id
    assert CANARY not in entry.detail


def test_several_rows_at_once_leave_a_line_each() -> None:
    root = User.objects.create_superuser("root")
    first, second = Group.objects.create(name="One"), Group.objects.create(name="Two")

    browser_of(root).post(
        "/admin/auth/group/",
        {"action": "delete_selected", "_selected_action": [first.pk, second.pk], "post": "yes"},
    )

    assert sorted(lines(action=Action.DELETED)) == [("root", "deleted", "One"), ("root", "deleted", "Two")]


def test_log_ins_failures_and_log_outs_leave_a_line() -> None:
    User.objects.create_user("alice", password="correct-horse-7", is_staff=True)
    client = Client()
    client.post("/admin/login/", {"username": "alice", "password": "wrong"})
    client.post("/admin/login/", {"username": "alice", "password": "correct-horse-7"})
    client.post("/admin/logout/")

    assert [action for _, action, _ in lines()] == ["failed_log_in", "logged_in", "logged_out"]


def test_a_password_typed_as_a_name_is_not_kept() -> None:
    """No line can be taken back, so it must not come in."""
    User.objects.create_user("alice", password="correct-horse-7", is_staff=True)

    for name in ("correct-horse-7", "alice"):
        Client().post("/admin/login/", {"username": name, "password": "wrong"})

    assert [actor for actor, _, _ in lines()] == ["(unknown name)", "alice"]


def test_what_no_view_notes_leaves_a_line_of_the_request() -> None:
    root = User.objects.create_superuser("root")

    browser_of(root).post("/admin/sessions/", {"which": "others"})

    entry = Entry.objects.get(action=Action.ASKED)
    assert entry.detail == "POST /admin/sessions/ was answered 302."


def test_a_refusal_leaves_a_line(secret: Secret) -> None:
    browser_of(make("vera", "Viewer")).post(reverse("admin:vault_secret_reveal", args=[secret.pk]))

    entry = Entry.objects.get(action=Action.REFUSED)
    assert (entry.actor, entry.object_id) == ("vera", str(secret.pk))
    assert "403" in entry.detail


def test_what_was_undone_after_its_line_leaves_that_it_was_asked(secret: Secret) -> None:
    """The line of a deletion is written while there is a row to tell of, and goes with what undoes the deletion."""
    folder = secret.folder
    add_import(create_folder(folder.environment, "/other", by=ANYBODY), folder, by=ANYBODY)
    token = ApiToken.issue(make("alice", "Editor"), "ci")[1]
    place = {"projectId": str(folder.environment.project_id), "environment": "dev", "path": "/"}

    answer = Client().delete(
        f"/api/v2/folders/{folder.pk}",
        json.dumps(place),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert answer.status_code == 400
    assert lines() == [("alice (API token ci)", "asked", "")]


def test_a_token_is_named_and_its_refusals_too(secret: Secret) -> None:
    _, token = ApiToken.issue(make("vera", "Viewer"), "ci")
    headers = {"Authorization": f"Bearer {token}"}

    Client().post(
        "/api/v1/projects", json.dumps({"projectName": "X"}), content_type="application/json", headers=headers
    )

    entry = Entry.objects.get(action=Action.REFUSED)
    assert entry.actor == "vera (API token ci)"
    assert token not in entry.detail


def test_reading_and_typing_leave_none() -> None:
    root = User.objects.create_superuser("root")
    client = browser_of(root)
    client.get("/admin/")
    client.post("/admin/syncs/devinsync/add/source/", {"refresh": "1"})

    assert lines(action=Action.ASKED) == []


def test_the_page_is_for_administrators_and_nobody_writes_it() -> None:
    assert browser_of(make("eve", "Editor")).get("/admin/audit/entry/").status_code == 403
    client = browser_of(make("adam", "Administrator"))
    entry = Entry.objects.order_by("id")[0]

    assert client.get("/admin/audit/entry/").status_code == 200
    assert client.get(f"/admin/audit/entry/{entry.pk}/change/").status_code == 200
    assert client.post(f"/admin/audit/entry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/audit/entry/add/").status_code == 403


def test_the_page_finds_by_place_and_outcome_and_shows_what_changed() -> None:
    client = browser_of(make("adam", "Administrator"))
    place = {"project": "shop", "environment": "dev", "path": "/app", "key": "DB_URL", "run": "4711"}
    entry = note("eve", Action.REFUSED, kind="secret", name="mine", **place)
    Entry.objects.filter(pk=entry.pk).update(token="API token ci", changes='[["comment", "<b>", "Of the shop"]]')

    for name, text in {**place, "token": "API token ci", "outcome": "refused"}.items():
        found = client.get("/admin/audit/entry/", {name: text}).context["cl"].result_list
        assert [each.name for each in found] == ["mine"], name
    assert "secret mine</td>" in client.get("/admin/audit/entry/").content.decode()
    page = client.get(f"/admin/audit/entry/{entry.pk}/change/").content.decode()
    assert "shop dev:/app DB_URL" in page
    assert "&lt;b&gt;" in page
    assert "?run=4711" in page


@pytest.mark.parametrize("action", ["export_csv", "export_json"])
def test_exports_what_is_chosen_without_formulas(action: str) -> None:
    client = browser_of(make("adam", "Administrator"))
    told = {"token": "token ci", "lacking": "vault.reveal_secret", "outcome": "refused"}
    places = {"project": "shop", "environment": "dev", "path": "/app", "key": "DB_URL", "run": "4711"}
    entry = Entry.objects.create(actor="=HYPERLINK(1)", action=Action.ADDED, **told, **places)

    answer = client.post("/admin/audit/entry/", {"action": action, "_selected_action": [entry.pk]})

    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "HYPERLINK" in text
    assert ",=HYPERLINK" not in text
    assert [each for each in (*told.values(), *places.values()) if each not in text] == []
