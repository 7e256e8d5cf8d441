"""What somebody with a role in some places tries elsewhere: each is refused, and nothing is changed or shown."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from common.lacking import Lacking
from tests.actors import ANYBODY
from tests.vault.access.conftest import MemberOf
from vault import editing
from vault.access import sight
from vault.editing import Actor, Labels, Upkeep
from vault.errors import EditingError, NotAllowed, SourceError
from vault.exporting import export
from vault.models import Environment, Folder, Project, Secret, SecretImport, Tag, TrashEntry
from vault.reading import find_folder, read_contents, reveal
from vault.resolved import reveal_resolved

VALUE = "canary-77ad"
At = Callable[[str], Folder]
Attempt = Callable[[At, Actor], object]


@pytest.fixture
def at(project: Project) -> At:
    def find(place: str) -> Folder:
        name, _, rest = place.rpartition("/dev:") if "/dev:" in place else ("", "", place)
        environment, path = ("dev", rest) if name else rest.split(":")
        return find_folder(Project.objects.get(slug=name or project.slug), environment, path)

    return find


@pytest.fixture(autouse=True)
def vault(project: Project, dev: Environment, prod: Environment) -> None:
    """dev:/app is the member's; dev:/db, prod and the other project are not."""
    other = editing.create_project(name="Other", by=ANYBODY)
    for environment in (dev, prod, other.environments.get(slug="dev")):
        for path in ("/app/lib", "/db"):
            editing.create_folder(environment, path, by=ANYBODY)
        for folder in environment.folders.exclude(path="/"):
            editing.set_secrets(folder, {f"KEY_{folder.name.upper()}": VALUE, "TOKEN": VALUE}, by=ANYBODY)
    editing.set_secret(find_folder(project, "dev", "/db"), "POINTS", "${dev.app.TOKEN}", by=ANYBODY)
    editing.set_secret(find_folder(project, "dev", "/app"), "SHOWS", "<${dev.db.TOKEN}>", by=ANYBODY)
    editing.add_import(find_folder(project, "dev", "/app/lib"), find_folder(project, "prod", "/db"), by=ANYBODY)
    gone = find_folder(project, "dev", "/db").secrets.get(key="KEY_DB")
    editing.delete_secret(gone, by=ANYBODY)
    editing.create_tag(project, "word", by=ANYBODY)


def secret(at: At, place: str, key: str = "TOKEN") -> Secret:
    return at(place).secrets.select_related("folder__environment__project").get(key=key)


def state() -> list[object]:
    """All that an edit could change, in the order of their ids."""
    rows = [
        Folder.objects.order_by("pk").values_list("pk", "path", "environment__slug", "description"),
        Secret.objects.order_by("pk").values_list("pk", "key", "folder", "version", "comment", "owner"),
        SecretImport.objects.order_by("pk").values_list("folder", "source", "position"),
        Tag.objects.order_by("pk").values_list("slug", "project"),
        Secret.tags.through.objects.values_list("secret", "tag"),
        TrashEntry.objects.order_by("pk").values_list("pk"),
        Project.objects.order_by("pk").values_list("pk", "name"),
    ]
    return [list(each) for each in rows]


EDITS: dict[str, Attempt] = {
    "a secret beside": lambda at, by: editing.set_secret(at("dev:/db"), "NEW", "1", by=by),
    "a secret above": lambda at, by: editing.set_secret(at("dev:/"), "NEW", "1", by=by),
    "a secret of another environment": lambda at, by: editing.set_secret(at("prod:/app"), "NEW", "1", by=by),
    "a secret of another project": lambda at, by: editing.set_secret(at("other/dev:/app"), "NEW", "1", by=by),
    "another value": lambda at, by: editing.update_secret(secret(at, "dev:/db"), value="1", by=by),
    "another comment": lambda at, by: editing.update_secret(secret(at, "dev:/db"), comment="1", by=by),
    "an old version": lambda at, by: editing.restore_version(secret(at, "dev:/db"), 1, by=by),
    "a deletion": lambda at, by: editing.delete_secret(secret(at, "dev:/db"), by=by),
    "a deletion of one of its own and another": lambda at, by: editing.delete_secrets(
        [secret(at, "dev:/app"), secret(at, "prod:/app")], by=by
    ),
    "an owner": lambda at, by: editing.set_upkeep(secret(at, "dev:/db"), Upkeep(owner="me"), by=by),
    "a tag on another's": lambda at, by: editing.change_tags(
        at("dev:/db").environment.project, [secret(at, "dev:/db")], add=["word"], remove=[], by=by
    ),
    "labels of another's": lambda at, by: editing.set_labels(
        at("dev:/db").environment.project_id, {secret(at, "dev:/db"): Labels(reminder_note="x")}, by=by
    ),
    "a new tag for all of the project": lambda at, by: editing.change_tags(
        at("dev:/app").environment.project, [secret(at, "dev:/app")], add=["brand-new"], remove=[], by=by
    ),
    "a tag of the project": lambda at, by: editing.delete_tag(Tag.objects.get(slug="word"), by=by),
    "a folder beside": lambda at, by: editing.create_folder(at("dev:/").environment, "/mine", by=by),
    "a folder that begins alike": lambda at, by: editing.create_folder(at("dev:/").environment, "/apple/x", by=by),
    "the name of a folder beside": lambda at, by: editing.rename_folder(at("dev:/db"), "mine", by=by),
    "the name of its own top, which leads out": lambda at, by: editing.rename_folder(at("dev:/app"), "mine", by=by),
    "a description above": lambda at, by: editing.update_folder(at("dev:/"), description="x", by=by),
    "a folder's deletion beside": lambda at, by: editing.delete_folder(at("dev:/db"), by=by),
    "an environment's deletion": lambda at, by: editing.delete_environment(at("dev:/").environment, by=by),
    "an environment's slug": lambda at, by: editing.update_environment(at("prod:/").environment, slug="dev2", by=by),
    "a new environment": lambda at, by: editing.create_environment(at("dev:/").environment.project, name="Mine", by=by),
    "the project's name": lambda at, by: editing.update_project(at("dev:/").environment.project, name="Mine", by=by),
    "the project's deletion": lambda at, by: editing.delete_project(at("dev:/").environment.project, by=by),
    "a new project": lambda at, by: editing.create_project(name="Mine", by=by),
    "a move out of its reach": lambda at, by: editing.move_folder(
        at("dev:/app/lib"), at("dev:/").environment, "/db", carries_references=False, by=by
    ),
    "a move of another's into its reach": lambda at, by: editing.move_folder(
        at("dev:/db"), at("dev:/").environment, "/app", carries_references=False, by=by
    ),
    "a move into another project": lambda at, by: editing.move_folder(
        at("dev:/app/lib"), at("other/dev:/").environment, "/", carries_references=False, by=by
    ),
    "a copy of another's": lambda at, by: editing.copy_folder(at("dev:/db"), at("dev:/").environment, "/app", by=by),
    "a copy from another project": lambda at, by: editing.copy_secrets(
        at("other/dev:/db"), ["TOKEN"], at("dev:/").environment, "/app", replaces=True, by=by
    ),
    "secrets moved out": lambda at, by: editing.move_secrets(
        at("dev:/app"), ["KEY_APP"], at("dev:/").environment, "/db", carries_references=False, by=by
    ),
    "secrets moved in": lambda at, by: editing.move_secrets(
        at("dev:/db"), ["POINTS"], at("dev:/").environment, "/app", carries_references=False, by=by
    ),
    "an import of a folder beside": lambda at, by: editing.add_import(at("dev:/app"), at("dev:/db"), by=by),
    "an import of another environment": lambda at, by: editing.add_import(at("dev:/app"), at("prod:/app"), by=by),
    "an import into another's folder": lambda at, by: editing.add_import(at("dev:/db"), at("dev:/app"), by=by),
    "an import of its own that brings another's": lambda at, by: editing.add_import(
        at("dev:/app"), at("dev:/app/lib"), by=by
    ),
    "a reference to a folder beside": lambda at, by: editing.set_secret(
        at("dev:/app"), "NEW", "${dev.db.TOKEN}", by=by
    ),
    "a reference to what is not there yet": lambda at, by: editing.set_secret(
        at("dev:/app"), "NEW", "${dev.later.TOKEN}", by=by
    ),
    "a reference to another environment": lambda at, by: editing.set_secret(
        at("dev:/app"), "NEW", "${prod.app.TOKEN}", by=by
    ),
    "a name that takes the references of others along": lambda at, by: editing.update_secret(
        secret(at, "dev:/app"), key="RENAMED", carries_references=True, by=by
    ),
    "what another deleted": lambda at, by: editing.restore(TrashEntry.objects.get(name="KEY_DB"), by=by),
    "what another deleted, for good": lambda at, by: editing.delete_for_good(
        TrashEntry.objects.get(name="KEY_DB"), by=by
    ),
}
ROLES = {"editor": ("editor",), "manager": ("manager",), "editor and reader": ("editor", "reader")}


def actor(member_of: MemberOf, roles: str) -> Actor:
    user: User | None = None
    for role in ROLES[roles]:
        user = member_of("mallory", role, ("dev",), ("/app",))
    assert user is not None
    return Actor.by_person(user)


@pytest.mark.parametrize("roles", ROLES)
def test_nothing_outside_of_ones_folders_is_changed(at: At, member_of: MemberOf, roles: str) -> None:
    by, before = actor(member_of, roles), state()

    for name, attempt in EDITS.items():
        with pytest.raises(EditingError) as refused:
            attempt(at, by)
        assert isinstance(refused.value, NotAllowed), f"{name}: {refused.value.message}"
        assert VALUE not in refused.value.message, name
        assert state() == before, name


def test_within_ones_folders_all_is_as_ever(at: At, member_of: MemberOf) -> None:
    by = actor(member_of, "editor")

    editing.set_secret(at("dev:/app"), "NEW", "${TOKEN} and ${dev.app.lib.KEY_LIB}", by=by)
    editing.update_secret(secret(at, "dev:/app", "NEW"), key="NEWER", value="2", by=by)
    folder = editing.create_folder(at("dev:/app").environment, "/app/more/still", by=by)
    editing.move_folder(folder, folder.environment, "/app/lib", carries_references=True, by=by)
    editing.rename_folder(at("dev:/app/lib/still"), "quiet", by=by)
    editing.change_tags(by_project(at), [secret(at, "dev:/app", "NEWER")], add=["word"], remove=[], by=by)
    editing.delete_secret(secret(at, "dev:/app", "NEWER"), by=by)
    editing.restore(TrashEntry.objects.get(name="NEWER"), by=by)
    editing.delete_folder(at("dev:/app/lib/quiet"), by=by)
    editing.restore(TrashEntry.objects.get(name="/app/lib/quiet"), by=by)

    assert {row.path for row in by_project(at).environments.get(slug="dev").folders.all()} >= {"/app/lib/quiet"}


def by_project(at: At) -> Project:
    return at("dev:/app").environment.project


def test_reads_no_value_of_another_place(at: At, member_of: MemberOf) -> None:
    reader = member_of("rita", "reader", ("dev",), ("/app",))
    editor = member_of("ed", "editor", ("dev",), ("/app",))

    assert reveal(secret(at, "dev:/app"), reader) == VALUE
    assert reveal(secret(at, "dev:/app", "SHOWS"), reader) == "<${dev.db.TOKEN}>"
    for user, place in ((reader, "dev:/db"), (reader, "prod:/app"), (reader, "other/dev:/app"), (editor, "dev:/app")):
        with pytest.raises(Lacking):
            reveal(secret(at, place), user)
        with pytest.raises(Lacking):
            export(at(place), user, to="dotenv", resolved=False)


def test_reads_nothing_through_references_and_imports(at: At, member_of: MemberOf) -> None:
    reader = member_of("rita", "reader", ("dev",), ("/app",))
    sees = sight(reader, "vault.reveal_secret", by_project(at).pk)

    with pytest.raises(SourceError):
        reveal_resolved(secret(at, "dev:/app", "SHOWS"), reader)
    for place in ("dev:/app", "dev:/app/lib"):
        with pytest.raises(SourceError):
            export(at(place), reader, to="json", resolved=True)
    read = read_contents(at("dev:/app"), recursive=True, sees=sees)
    assert {one.key: one.value for part in read for one in part.secrets if one.path == "/app"} == {
        "KEY_APP": VALUE,
        "TOKEN": VALUE,
        "SHOWS": "<${dev.db.TOKEN}>",
    }
    assert [one for part in read for each in part.imports for one in each.secrets] == []


PAGES = {
    "project_page": ("project_id", "project"),
    "trash_page": ("project_id", "project"),
    "side_by_side": ("project_id", "project"),
    "ageing": ("project_id", "project"),
    "tags": ("project_id", "project"),
    "environment_add": ("project_id", "project"),
    "environment_edit": ("environment_id", "environment"),
    "environment_delete": ("environment_id", "environment"),
    "folder_page": ("folder_id", "folder"),
    "folder_add": ("folder_id", "folder"),
    "folder_edit": ("folder_id", "folder"),
    "folder_delete": ("folder_id", "folder"),
    "folder_copy": ("folder_id", "folder"),
    "folder_move": ("folder_id", "folder"),
    "folder_export": ("folder_id", "folder"),
    "history": ("folder_id", "folder"),
    "folder_lines": ("folder_id", "folder"),
    "secret_add_page": ("folder_id", "folder"),
    "dotenv": ("folder_id", "folder"),
    "import_add": ("folder_id", "folder"),
    "secret_page": ("secret_id", "secret"),
    "secret_edit": ("secret_id", "secret"),
    "secret_delete_page": ("secret_id", "secret"),
}


def pages_of(folder: Folder) -> dict[str, str]:
    rows = {
        "project": folder.environment.project,
        "environment": folder.environment,
        "folder": folder,
        "secret": folder.secrets.get(key="TOKEN"),
    }
    return {name: reverse(f"admin:vault_{name}", kwargs={part: rows[row].pk}) for name, (part, row) in PAGES.items()}


def test_another_project_is_as_if_it_were_not_there(at: At, client: Client, member_of: MemberOf) -> None:
    for role in ("manager", "reader"):
        client.force_login(member_of("mallory", role))

    for name, url in pages_of(at("other/dev:/db")).items():
        answer = client.get(url)
        assert answer.status_code == 404, name
        assert "Other" not in answer.content.decode(), name
        assert client.post(url, {}).status_code == 404, name
    for name in ("vault_project_changelist", "vault_secret_changelist", "index"):
        page = client.get(reverse(f"admin:{name}"))
        assert page.status_code == 200
        assert "Other" not in page.content.decode(), name


def test_a_part_of_a_project_shows_only_itself(at: At, client: Client, member_of: MemberOf) -> None:
    for role in ("editor", "reader"):
        client.force_login(member_of("mallory", role, ("dev",), ("/app",)))

    statuses = {name: client.get(url).status_code for name, url in pages_of(at("dev:/app")).items()}
    assert [name for name, status in statuses.items() if status == 403] == [
        "environment_add",
        "environment_edit",
        "environment_delete",
        # It names other folders.
        "folder_lines",
    ]
    assert set(statuses.values()) == {200, 403}
    for place in ("dev:/db", "prod:/app"):
        of_folders = {name for name, (part, _) in PAGES.items() if part in ("folder_id", "secret_id")}
        for name, url in pages_of(at(place)).items():
            if name in of_folders:
                assert client.get(url).status_code == 404, f"{name} of {place}"


HIDDEN = ["/db", "prod", "Production", "KEY_DB", "POINTS"]


def test_no_page_tells_of_what_is_hidden(at: At, client: Client, member_of: MemberOf) -> None:
    for role in ("editor", "reader"):
        client.force_login(member_of("mallory", role, ("dev",), ("/app",)))
    app = at("dev:/app")
    editing.update_secret(secret(at, "dev:/app", "SHOWS"), value="plain", by=ANYBODY)

    others = [
        reverse(f"admin:readers_{name}", args=[pk])
        for name, pk in (("folder", app.pk), ("secret", app.secrets.get(key="TOKEN").pk))
    ]
    lists = [reverse(f"admin:vault_{name}_changelist") for name in ("project", "secret")]
    for url in [
        *pages_of(app).values(),
        *others,
        *lists,
        reverse("admin:vault_folder_page", args=[at("dev:/app/lib").pk]),
    ]:
        text = client.get(url).content.decode()
        assert [word for word in HIDDEN if f">{word}" in text or f"dev:{word}" in text or f"{word}:/" in text] == [], (
            url
        )


def test_the_refusal_names_the_right_and_the_place(at: At, client: Client, member_of: MemberOf) -> None:
    client.force_login(member_of("mia", "viewer", ("dev",), ("/app",)))

    page = client.get(reverse("admin:vault_folder_edit", args=[at("dev:/app").pk]))

    assert page.status_code == 403
    assert "“Can change folder” in dev:/app" in page.content.decode()
    assert "a manager of the project" in page.content.decode()
