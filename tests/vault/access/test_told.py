"""What refusals, previews and pages tell a member of folders that they may not see: their number, and no name."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from api.models import ApiToken
from connections.models import Connection
from syncs.models import DevinSync, ManagedSecret
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from tests.vault.access.conftest import MemberOf
from vault import editing
from vault.access.models import Membership
from vault.editing import Actor
from vault.errors import EditingError
from vault.models import Environment, Folder, Project
from vault.reading import find_folder

# Of the hidden folder, its secrets, and the sync that reads above.
HIDDEN = ("/quiet", "POINTS", "HUSHED", "whispers")
UNSEEN = "a folder that you may not see"
At = Callable[[str], Folder]
Attempt = Callable[[At, Environment, Actor], object]


@pytest.fixture
def at(project: Project) -> At:
    return lambda path: find_folder(project, "dev", path)


@pytest.fixture(autouse=True)
def vault(project: Project, dev: Environment, at: At) -> None:
    """dev:/app is the member's; dev:/quiet, which is not, imports of it, refers to it, and is shown by it."""
    for path in ("/app/lib", "/app/kept", "/quiet"):
        editing.create_folder(dev, path, by=ANYBODY)
    editing.set_secrets(at("/app"), {"TOKEN": "1", "OTHER": "2"}, by=ANYBODY)
    editing.set_secrets(at("/quiet"), {"HUSHED": "1", "POINTS": "${dev.app.TOKEN}"}, by=ANYBODY)
    editing.add_import(at("/quiet"), at("/app/lib"), by=ANYBODY)
    editing.add_import(at("/app/kept"), at("/quiet"), by=ANYBODY)


@pytest.fixture
def outside(alice: User) -> Environment:
    """Of another project."""
    return editing.create_project(name="Other", environments=[("Live", "live")], by=ANYBODY).environments.get()


@pytest.fixture
def member(member_of: MemberOf, outside: Environment) -> User:
    for role in ("editor", "reader"):
        user = member_of("mallory", role, ("dev",), ("/app",))
        Membership.objects.create(project=outside.project, user=user, role=role)
    return User.objects.get(pk=user.pk)


REFUSED: dict[str, tuple[Attempt, str]] = {
    "a value that closes a circle": (
        lambda at, _, by: editing.set_secrets(
            at("/app"), {"TOKEN": "${dev.quiet.POINTS}"}, refuses_circles=True, by=replace(by, can_reveal=True)
        ),
        f"TOKEN would refer to itself: TOKEN → a secret of {UNSEEN} → TOKEN",
    ),
    "a deletion of what is imported": (
        lambda at, _, by: editing.delete_folder(at("/app/lib"), by=by),
        f"is imported by {UNSEEN}",
    ),
    "a move out of the project, of what is imported": (
        lambda at, outside, by: editing.move_folder(at("/app/lib"), outside, "/", carries_references=False, by=by),
        f"is imported by {UNSEEN}",
    ),
    "a move out of the project, of what imports": (
        lambda at, outside, by: editing.move_folder(at("/app/kept"), outside, "/", carries_references=False, by=by),
        f"imports {UNSEEN}",
    ),
    "a copy out of the project, of what imports": (
        lambda at, outside, by: editing.copy_folder(at("/app/kept"), outside, "/", by=by),
        f"imports {UNSEEN}",
    ),
    "an import of what shows more": (
        lambda at, _, by: editing.add_import(at("/app"), at("/app/kept"), by=by),
        f"a secret of {UNSEEN}",
    ),
    "a key that references follow": (
        lambda at, _, by: editing.update_secret(
            at("/app").secrets.get(key="TOKEN"), key="RENAMED", carries_references=True, by=by
        ),
        f"References in {UNSEEN}",
    ),
    "a move that references follow": (
        lambda at, _, by: editing.move_secrets(
            at("/app"), ["TOKEN"], at("/app").environment, "/app/lib", carries_references=True, by=by
        ),
        f"References in {UNSEEN}",
    ),
}


def test_no_refusal_names_what_is_hidden(at: At, outside: Environment, member: User) -> None:
    for name, (attempt, told) in REFUSED.items():
        with pytest.raises(EditingError) as refused:
            attempt(at, outside, Actor.by_person(member))
        assert told in refused.value.message, name
        assert [word for word in HIDDEN if word in refused.value.message] == [], name


def test_whoever_sees_the_folder_is_told_its_name(at: At, outside: Environment, alice: User) -> None:
    alice.user_permissions.set(Permission.objects.filter(content_type__app_label="vault"))

    for name in ("a deletion of what is imported", "a move out of the project, of what imports"):
        with pytest.raises(EditingError, match="dev:/quiet"):
            REFUSED[name][0](at, outside, Actor.by_person(User.objects.get(pk=alice.pk)))


def test_a_preview_counts_the_references_of_hidden_folders(at: At, client: Client, member: User) -> None:
    editing.set_secret(at("/app/lib"), "SEEN", "${dev.app.TOKEN}", by=ANYBODY)
    client.force_login(member)
    sent = {"environment": at("/app").environment.pk, "path": "/app/kept", "key": "TOKEN"}

    page = client.post(reverse("admin:vault_secrets_move", args=[at("/app").pk]), sent).content.decode()

    assert "1 reference in folders that you may not see" in page
    assert "<code>SEEN</code> in dev:/app/lib" in page
    assert [word for word in HIDDEN if word in page] == []


@pytest.fixture
def connection(db: None) -> Connection:
    connection = Connection(name="acme", base_url="https://devin.example")
    connection.set_api_key("cog_key")
    connection.save()
    return connection


@pytest.fixture
def syncs(at: At, project: Project, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the member sees, and one that reads the same through the hidden folder."""
    monkeypatch.setattr("syncs.runs.ask.ring", lambda run_id, project_id: True)
    for name, path in (("speaks", "/app/lib"), ("whispers", "/quiet")):
        sync = DevinSync(name=name, project=project, folder=at(path), connection=connection, org_id=f"org-{name}")
        sync.save()
        ManagedSecret.objects.create(
            sync=sync, destination=sync.destination(), destination_key="KEY", source_key="KEY", secret_id=name
        )


@pytest.mark.usefixtures("syncs")
def test_what_an_edit_does_to_hidden_syncs_is_counted(at: At, project: Project, client: Client, member: User) -> None:
    """By each way to be told of it before."""
    key = editing.set_secret(at("/app/lib"), "KEY", "1", by=ANYBODY)
    client.force_login(member)
    caller = Caller(ApiToken.issue(member, "token")[1])
    sent = {"key": "RENAMED", "value": "", "comment": "", "version": 1}
    place = {"projectId": str(project.pk), "environment": "dev", "secretPath": "/app/lib"}
    ways = {
        "the page of a new secret": client.get(reverse("admin:vault_secret_add_page", args=[at("/app/lib").pk])),
        "the page of another value": client.get(reverse("admin:vault_secret_edit", args=[key.pk])),
        "the question about a new key": client.post(reverse("admin:vault_secret_edit", args=[key.pk]), sent),
        "the question about a deletion": client.get(reverse("admin:vault_secret_delete_page", args=[key.pk])),
        "a plan of a new key": caller.send("PATCH", "/api/v4/secrets/KEY?plan=true", {**place, "newSecretName": "NEW"}),
        "a plan of a deletion": caller.send("DELETE", "/api/v4/secrets/KEY?plan=true", place),
    }

    for way, response in ways.items():
        text = response.content.decode()
        assert response.status_code == 200, way
        assert "speaks" in text, way
        assert "a sync that you may not see" in text, way
        assert [word for word in HIDDEN if word in text] == [], way


@pytest.mark.usefixtures("syncs")
def test_a_change_tells_what_it_started_as_far_as_one_sees_it(at: At, client: Client, member: User) -> None:
    client.force_login(member)

    sent = {"key": "KEY", "value": "1", "comment": ""}
    page = client.post(
        reverse("admin:vault_secret_add_page", args=[at("/app/lib").pk]), sent, follow=True
    ).content.decode()

    assert "Queued: <a" in page
    assert ">speaks<" in page
    assert "whispers" not in page


def test_syncs_that_one_may_not_see_are_counted(
    at: At, project: Project, connection: Connection, client: Client, alice: User
) -> None:
    folder = at("/app")
    DevinSync.objects.create(name="whispers", project=project, folder=folder, connection=connection, org_id="org-1")
    client.force_login(alice)
    pages = [reverse(f"admin:vault_{name}", args=[folder.pk]) for name in ("folder_page", "folder_move")]
    alice.user_permissions.set(Permission.objects.filter(content_type__app_label="vault"))

    for page in pages:
        text = client.get(page).content.decode()
        assert "that you may not see" in text, page
        assert "whispers" not in text, page
    alice.user_permissions.add(Permission.objects.get(codename="view_devinsync"))
    for page in pages:
        assert "whispers" in client.get(page).content.decode(), page
