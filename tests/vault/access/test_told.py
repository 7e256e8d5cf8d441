"""What refusals, previews and pages tell a member of folders that they may not see: their number, and no name."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from syncs.models import DevinSync
from tests.actors import ANYBODY
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


def test_syncs_that_one_may_not_see_are_counted(at: At, project: Project, client: Client, alice: User) -> None:
    connection = Connection(name="acme", base_url="https://devin.example")
    connection.set_api_key("cog_key")
    connection.save()
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
