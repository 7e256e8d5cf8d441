"""Which rows somebody sees; each kind of row in one place or the other."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models import Model

from tests.actors import ANYBODY
from tests.vault.access.conftest import MemberOf
from vault import editing
from vault.access import place_of, visible
from vault.access.models import Membership
from vault.access.visible import KINDS
from vault.models import Environment, Folder, Project, Secret, SecretImport, SecretVersion, Tag, TrashEntry

SEEN: list[type[Any]] = [Project, Environment, Folder, Secret, SecretVersion, SecretImport, Tag, TrashEntry]


@pytest.fixture(autouse=True)
def _rows(project: Project, dev: Environment, prod: Environment) -> None:
    """The same in two environments, with one folder whose name begins alike, and a second project."""
    for environment in (dev, prod):
        folders = {path: editing.create_folder(environment, path, by=ANYBODY) for path in ("/app/db", "/apple")}
        app = environment.folders.get(path="/app")
        for folder in (app, *folders.values()):
            editing.set_secrets(folder, {"KEPT": "1", "GONE": "2"}, by=ANYBODY)
            editing.delete_secret(folder.secrets.get(key="GONE"), by=ANYBODY)
        editing.add_import(app, folders["/app/db"], by=ANYBODY)
        editing.add_import(app, folders["/apple"], by=ANYBODY)
    editing.create_tag(project, "word", by=ANYBODY)
    other = editing.create_project(name="Other", by=ANYBODY)
    editing.set_secret(Folder.objects.get(environment__project=other, environment__slug="dev"), "KEY", "3", by=ANYBODY)
    editing.create_tag(other, "other", by=ANYBODY)


def seen_by(user: User) -> dict[str, list[str]]:
    names = {model.__name__: sorted(map(_name, visible(user, model._default_manager.all()))) for model in SEEN}
    return {name: rows for name, rows in names.items() if rows}


def _name(row: Any) -> str:
    match row:
        case Secret():
            return f"{row.folder} {row.key}"
        case SecretVersion():
            return f"{row.secret.folder} {row.secret.key}"
        case TrashEntry():
            return f"{row.place} {row.name}"
        case _:
            return str(row)


def test_a_member_sees_what_is_in_their_folders(member_of: MemberOf) -> None:
    kept = ["dev:/app KEPT", "dev:/app/db KEPT"]

    assert seen_by(member_of("mia", "viewer", ("dev",), ("/app",))) == {
        "Project": ["Shop"],
        "Environment": ["Development"],
        "Folder": ["dev:/app", "dev:/app/db"],
        "Secret": kept,
        "SecretVersion": kept,
        "SecretImport": ["dev:/app/db in dev:/app"],
        "Tag": ["word"],
        "TrashEntry": ["dev:/app GONE", "dev:/app/db GONE"],
    }


def test_each_membership_adds_its_part(member_of: MemberOf) -> None:
    member_of("mia", "viewer", ("prod",), ("/apple",))
    seen = seen_by(member_of("mia", "reader", ("dev",), ("/app/db",)))

    assert seen["Folder"] == ["dev:/app/db", "prod:/apple"]
    assert seen["Environment"] == ["Development", "Production"]
    assert "SecretImport" not in seen


def test_a_member_of_all_of_a_project_sees_nothing_of_another(project: Project, member_of: MemberOf) -> None:
    user = member_of("mia", "viewer")

    for model in SEEN:
        own = {row.pk for row in visible(user, model._default_manager.all())}
        assert own == {row.pk for row in model._default_manager.all() if _project_of(row) == project.pk}


def _project_of(row: Model) -> object:
    return row.project_id if isinstance(row, TrashEntry) else place_of(row).project


def test_without_a_membership_nothing_is_seen(alice: User) -> None:
    assert seen_by(alice) == {}


def test_an_installation_wide_right_shows_all(alice: User) -> None:
    alice.user_permissions.add(*Permission.objects.filter(content_type__app_label="vault", codename__startswith="view"))

    for model in [*SEEN, *KINDS]:
        assert visible(alice, model._default_manager.all()).count() == model._default_manager.count()


def test_members_are_seen_by_managers(project: Project, member_of: MemberOf) -> None:
    manager, viewer = member_of("max", "manager"), member_of("mia", "viewer")

    assert visible(manager, Membership.objects.all()).count() == 2
    assert visible(viewer, Membership.objects.all()).count() == 0


def test_takes_one_statement(member_of: MemberOf, django_assert_num_queries: Any) -> None:
    user = member_of("mia", "viewer", ("dev",), ("/app",))
    seen_by(user)

    for model in SEEN:
        with django_assert_num_queries(1):
            list(visible(user, model._default_manager.all()))
