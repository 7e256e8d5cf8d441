"""Secrets and folders go to another place: sealed to it, with what is kept with them, told to whoever reads them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.actors import ANYBODY, writer
from vault import editing
from vault.editing import Actor, Labels, Metadatum
from vault.errors import EditingError, InUse, Invalid, Missing, NotAllowed, Outdated, Taken, VaultError
from vault.models import Environment, Folder, Project, Secret, Tag
from vault.reading import read_secrets, read_version
from vault.values import open_value

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
CANARY = "canary-transfer-83aa"


@pytest.fixture
def other(db: None) -> Environment:
    project = editing.create_project(name="Other", environments=[("Live", "live")], by=ANYBODY)
    return project.environments.get()


def secret(folder: Folder, key: str) -> Secret:
    return folder.secrets.select_related("folder__environment__project").get(key=key)


def at(environment: Environment, path: str) -> Folder:
    return Folder.objects.select_related("environment__project").get(environment=environment, path=path)


def raw(folder: Folder, key: str) -> str:
    return open_value(secret(folder, key))


def read(folder: Folder) -> dict[str, str]:
    return {one.key: one.value for one in read_secrets(folder)}


def move(folder: Folder, keys: list[str], environment: Environment, path: str, **wishes: Any) -> editing.Transferred:
    return editing.move_secrets(
        folder, keys, environment, path, **{"carries_references": True, "by": ANYBODY, **wishes}
    )


def copy(folder: Folder, keys: list[str], environment: Environment, path: str, **wishes: Any) -> editing.Transferred:
    return editing.copy_secrets(folder, keys, environment, path, **{"replaces": False, "by": ANYBODY, **wishes})


@pytest.fixture
def token(app: Folder) -> Secret:
    editing.set_secret(app, "TOKEN", CANARY + "-1", by=ANYBODY)
    editing.set_secret(app, "TOKEN", CANARY, comment="Of the API", by=ANYBODY)
    found = secret(app, "TOKEN")
    tag = editing.create_tag(app.environment.project, "billing", color="red", by=ANYBODY)
    kept = Labels([tag.id], [Metadatum("team", "a"), Metadatum("note", CANARY, is_encrypted=True)], "Turn it", 90)
    editing.set_labels(app.environment.project_id, {found: kept}, by=ANYBODY)
    return secret(app, "TOKEN")


def labels_of(row: Secret) -> tuple[object, ...]:
    tags = [(tag.slug, tag.color, tag.project_id) for tag in row.tags.all()]
    return tags, sorted(row.metadata.values_list("key", "value")), row.reminder_note, row.reminder_days, row.comment


PLACES: dict[str, Callable[[Environment, Environment, Environment], tuple[Environment, str]]] = {
    "another folder": lambda dev, prod, other: (dev, "/shared"),
    "a folder that is not there yet": lambda dev, prod, other: (dev, "/new/one"),
    "another environment": lambda dev, prod, other: (prod, "/app"),
    "another project": lambda dev, prod, other: (other, "/"),
}


@pytest.fixture(params=list(PLACES.values()), ids=list(PLACES))
def place(
    request: Any, dev: Environment, prod: Environment, other: Environment, shared: Folder
) -> tuple[Environment, str]:
    return request.param(dev, prod, other)  # type: ignore[no-any-return]


# Ticked secrets


def test_a_moved_secret_is_the_same_one_elsewhere(app: Folder, token: Secret, place: tuple[Environment, str]) -> None:
    before = labels_of(token)

    move(app, ["TOKEN"], *place)

    moved = secret(at(*place), "TOKEN")
    assert (moved.id, moved.version) == (token.id, 2)
    assert [read_version(moved, number) for number in (1, 2)] == [CANARY + "-1", CANARY]
    project_id = place[0].project_id
    assert labels_of(moved) == ([("billing", "red", project_id)], *before[1:])
    assert (read(at(*place)), read(app)) == ({"TOKEN": CANARY}, {})


def test_a_copied_secret_is_a_new_one_with_all_that_is_kept_with_it(
    app: Folder, token: Secret, place: tuple[Environment, str]
) -> None:
    copy(app, ["TOKEN"], *place)

    made = secret(at(*place), "TOKEN")
    assert made.id != token.id
    assert made.version == 1
    assert labels_of(made) == ([("billing", "red", place[0].project_id)], *labels_of(token)[1:])
    assert read(at(*place)) == read(app) == {"TOKEN": CANARY}


def test_a_copy_leaves_or_replaces_what_is_there(app: Folder, shared: Folder, dev: Environment, token: Secret) -> None:
    editing.set_secrets(shared, {"TOKEN": "there", "SAME": "1"}, by=ANYBODY)
    editing.set_secrets(app, {"SAME": "1", "NEW": "2"}, by=ANYBODY)
    keys = ["TOKEN", "SAME", "NEW"]

    left = copy(app, keys, dev, "/shared")
    assert (left.created, left.kept, raw(shared, "TOKEN")) == (["NEW"], ["SAME", "TOKEN"], "there")
    replaced = copy(app, keys, dev, "/shared", replaces=True)

    assert (replaced.created, replaced.replaced, replaced.unchanged) == ([], ["TOKEN"], ["NEW", "SAME"])
    assert (raw(shared, "TOKEN"), secret(shared, "TOKEN").version) == (CANARY, 2)
    assert read_version(secret(shared, "TOKEN"), 1) == "there"


def test_a_move_never_writes_over_what_is_there(app: Folder, shared: Folder, dev: Environment, token: Secret) -> None:
    editing.set_secret(shared, "TOKEN", "there", by=ANYBODY)

    with pytest.raises(Taken, match="TOKEN in dev:/shared already"):
        move(app, ["TOKEN"], dev, "/shared")

    assert (raw(app, "TOKEN"), raw(shared, "TOKEN")) == (CANARY, "there")


@pytest.mark.parametrize("transfer", [move, copy])
def test_what_cannot_go_is_refused(app: Folder, dev: Environment, token: Secret, transfer: Any) -> None:
    with pytest.raises(Missing, match="no secret GONE in dev:/app"):
        transfer(app, ["TOKEN", "GONE"], dev, "/shared")
    with pytest.raises(Invalid, match="No secret was chosen"):
        transfer(app, [], dev, "/shared")
    with pytest.raises(Invalid, match="in dev:/app already"):
        transfer(app, ["TOKEN"], dev, "app/")
    with pytest.raises(Invalid):
        transfer(app, ["TOKEN"], dev, "/a b")
    assert list(Folder.objects.filter(path__in=["/shared", "/a b"])) == []


@pytest.mark.parametrize("transfer", [move, copy])
def test_a_value_that_was_put_there_by_hand_does_not_travel(
    app: Folder, shared: Folder, dev: Environment, token: Secret, transfer: Any
) -> None:
    Secret.objects.filter(pk=token.pk).update(version=1)

    with pytest.raises(VaultError, match="not as DevinSync left it"):
        transfer(app, ["TOKEN"], dev, "/shared")


@pytest.mark.parametrize("transfer", [move, copy])
def test_only_what_was_seen_is_done(
    app: Folder, shared: Folder, dev: Environment, token: Secret, announced: list[set[str]], *, transfer: Any
) -> None:
    seen = transfer(app, ["TOKEN"], dev, "/elsewhere").digest
    editing.delete_folder(at(dev, "/elsewhere"), by=ANYBODY)
    if transfer is move:
        editing.set_secret(app, "TOKEN", CANARY, by=ANYBODY)
    editing.set_secret(app, "TOKEN", "newer", by=ANYBODY)
    announced.clear()

    with pytest.raises(Outdated):
        transfer(app, ["TOKEN"], dev, "/elsewhere", seen=seen)

    assert announced == []
    assert not Folder.objects.filter(path="/elsewhere").exists()


# Who may


@pytest.fixture
def blind(alice: User) -> Actor:
    return writer(alice)


def test_whoever_may_not_read_copies_nothing(app: Folder, dev: Environment, token: Secret, blind: Actor) -> None:
    with pytest.raises(NotAllowed, match=r"vault\.reveal_secret"):
        copy(app, ["TOKEN"], dev, "/shared", by=blind)
    with pytest.raises(NotAllowed, match=r"vault\.reveal_secret"):
        editing.copy_folder(app, dev, "/shared", by=blind)


def test_whoever_may_not_read_moves_within_the_environment(
    app: Folder, dev: Environment, prod: Environment, token: Secret, blind: Actor
) -> None:
    with pytest.raises(NotAllowed, match=r"vault\.reveal_secret"):
        move(app, ["TOKEN"], prod, "/", by=blind)
    with pytest.raises(NotAllowed, match=r"vault\.reveal_secret"):
        editing.move_folder(app, prod, "/", carries_references=True, by=blind)
    move(app, ["TOKEN"], dev, "/x", by=blind)
    editing.move_folder(at(dev, "/x"), dev, "/app", carries_references=True, by=blind)

    assert raw(at(dev, "/app/x"), "TOKEN") == CANARY


def test_whoever_may_not_read_shows_nothing_more_elsewhere(
    app: Folder, shared: Folder, dev: Environment, prod: Environment, token: Secret, *, blind: Actor
) -> None:
    editing.add_import(at(prod, "/"), shared, by=ANYBODY)

    with pytest.raises(NotAllowed, match="show TOKEN"):
        move(app, ["TOKEN"], dev, "/shared", by=blind)


# References

WAYS = {
    "its own folder": ("dev:/app", "x${TOKEN}", "x${dev.shared.TOKEN}"),
    "its place, from its folder": ("dev:/app", "${dev.app.TOKEN}y", "${dev.shared.TOKEN}y"),
    "its place, from where it goes to": ("dev:/shared", "${dev.app.TOKEN}", "${dev.shared.TOKEN}"),
    "its place, from another environment": ("prod:/", "${dev.app.TOKEN}", "${dev.shared.TOKEN}"),
    "an import of its folder": ("dev:/", "${TOKEN}${HOST}", "${dev.shared.TOKEN}${HOST}"),
    "the place of an import": ("prod:/", "${dev.TOKEN}", "${dev.shared.TOKEN}"),
}


@pytest.fixture
def folders(dev: Environment, prod: Environment, app: Folder, shared: Folder, token: Secret) -> dict[str, Folder]:
    """The root of dev imports /app, which has the TOKEN and a HOST."""
    editing.set_secret(app, "HOST", "h", by=ANYBODY)
    editing.add_import(at(dev, "/"), app, by=ANYBODY)
    return {"dev:/app": app, "dev:/shared": shared, "dev:/": at(dev, "/"), "prod:/": at(prod, "/")}


@pytest.mark.parametrize(("where", "value", "wanted"), WAYS.values(), ids=WAYS.keys())
def test_references_to_a_moved_secret_are_told_and_follow(
    folders: dict[str, Folder], app: Folder, dev: Environment, *, where: str, value: str, wanted: str
) -> None:
    editing.set_secret(folders[where], "USER", value, by=ANYBODY)
    before = read(folders[where])["USER"]

    done = move(app, ["TOKEN"], dev, "/shared")

    assert [(one.edge.secret.key, str(one.new)) for one in done.retold] == [("USER", "${dev.shared.TOKEN}")]
    assert raw(folders[where], "USER") == wanted
    assert read(folders[where])["USER"] == before


def test_references_are_left_if_wished(folders: dict[str, Folder], app: Folder, dev: Environment) -> None:
    editing.set_secret(app, "USER", "${TOKEN}", by=ANYBODY)

    done = move(app, ["TOKEN"], dev, "/shared", carries_references=False)

    assert [str(one.edge.reference) for one in done.retold] == ["${TOKEN}"]
    assert (raw(app, "USER"), secret(app, "USER").version) == ("${TOKEN}", 1)


def test_what_a_moved_secret_refers_to_is_found_from_its_new_place(
    folders: dict[str, Folder], app: Folder, shared: Folder, dev: Environment
) -> None:
    editing.set_secrets(app, {"URL": "${HOST}/${TOKEN}"}, by=ANYBODY)

    done = move(app, ["URL", "TOKEN"], dev, "/shared")

    assert [str(one.new) for one in done.retold] == ["${dev.app.HOST}"]
    assert raw(shared, "URL") == "${dev.app.HOST}/${TOKEN}"
    assert read(shared)["URL"] == f"h/{CANARY}"


def test_no_reference_leads_into_another_project(
    folders: dict[str, Folder], app: Folder, other: Environment, token: Secret
) -> None:
    editing.set_secrets(app, {"USER": "${TOKEN}", "URL": "${HOST}"}, by=ANYBODY)

    done = move(app, ["TOKEN", "URL"], other, "/")

    assert sorted((one.edge.secret.key, one.new) for one in done.retold) == [("URL", None), ("USER", None)]
    assert (raw(app, "USER"), raw(at(other, "/"), "URL")) == ("${TOKEN}", "${HOST}")


# Folders


@pytest.fixture
def tree(app: Folder, shared: Folder, dev: Environment, token: Secret) -> Folder:
    """/app with a TOKEN, and /app/api, which imports it and /shared."""
    api = editing.create_folder(dev, "/app/api", description="The service", by=ANYBODY)
    editing.set_secrets(api, {"OWN": "${dev.app.TOKEN}!", "TEXT": "${x}"}, literal={"TEXT": True}, by=ANYBODY)
    editing.add_import(api, app, by=ANYBODY)
    return app


WHOLE = {"OWN": CANARY + "!", "TEXT": "${x}", "TOKEN": CANARY}


def test_a_moved_folder_is_the_same_one_elsewhere(tree: Folder, token: Secret, place: tuple[Environment, str]) -> None:
    environment, path = place

    done = editing.move_folder(tree, environment, path, carries_references=True, by=ANYBODY)

    new = "/app" if path == "/" else f"{path}/app"
    assert done.created == [new, f"{new}/api"]
    api = at(environment, f"{new}/api")
    assert (read(api), api.description) == (WHOLE, "The service")
    moved = secret(at(environment, new), "TOKEN")
    assert (moved.id, moved.version, read_version(moved, 1)) == (token.id, 2, CANARY + "-1")
    assert [tag.project_id for tag in moved.tags.all()] == [environment.project_id]
    assert not Folder.objects.filter(environment__slug="dev", path__in={"/app", "/app/api"} - {new}).exists()


def test_a_copied_folder_stands_on_its_own(
    tree: Folder, token: Secret, dev: Environment, place: tuple[Environment, str]
) -> None:
    environment, path = place
    new = "/app" if path == "/" else f"{path}/app"
    if environment.project_id != dev.project_id:
        # A reference by place leads nowhere there.
        editing.set_secret(at(dev, "/app/api"), "OWN", "${TOKEN}!", by=ANYBODY)

    editing.copy_folder(tree, environment, path, by=ANYBODY)

    api = at(environment, f"{new}/api")
    assert read(api) == read(at(dev, "/app/api")) == WHOLE
    (row,) = api.imports.all()
    assert row.source_id == at(environment, new).id
    editing.set_secret(at(environment, new), "TOKEN", "other", by=ANYBODY)
    assert (read(at(dev, "/app/api"))["TOKEN"], read(api)["TOKEN"]) == (CANARY, "other")


def test_a_folder_keeps_what_it_imports_from_elsewhere(
    tree: Folder, shared: Folder, dev: Environment, prod: Environment, other: Environment
) -> None:
    editing.add_import(tree, shared, by=ANYBODY)
    editing.set_secret(shared, "HOST", "h", by=ANYBODY)

    editing.copy_folder(tree, prod, "/", by=ANYBODY)
    assert read(at(prod, "/app"))["HOST"] == "h"

    with pytest.raises(InUse, match="dev:/app imports dev:/shared"):
        editing.copy_folder(tree, other, "/", by=ANYBODY)
    with pytest.raises(InUse, match="dev:/app imports dev:/shared"):
        editing.move_folder(tree, other, "/", carries_references=True, by=ANYBODY)


def test_a_folder_that_others_import_stays_in_its_project(
    tree: Folder, shared: Folder, prod: Environment, other: Environment
) -> None:
    editing.add_import(shared, tree, by=ANYBODY)

    with pytest.raises(InUse, match="dev:/app is imported by dev:/shared"):
        editing.move_folder(tree, other, "/", carries_references=True, by=ANYBODY)
    editing.move_folder(tree, prod, "/", carries_references=True, by=ANYBODY)

    assert read(shared)["TOKEN"] == CANARY


@pytest.mark.parametrize(
    ("path", "error"),
    [("/", Invalid), ("/app", Invalid), ("/app/api", Invalid), ("/app/new", Invalid), ("/shared", Taken)],
)
def test_a_folder_does_not_go_just_anywhere(
    tree: Folder, dev: Environment, path: str, error: type[EditingError]
) -> None:
    editing.create_folder(dev, "/shared/app", by=ANYBODY)
    before = list(Folder.objects.values_list("path", flat=True))

    with pytest.raises(error):
        editing.move_folder(tree, dev, path, carries_references=True, by=ANYBODY)

    assert list(Folder.objects.values_list("path", flat=True)) == before


def test_the_root_does_not_go(root: Folder, prod: Environment) -> None:
    with pytest.raises(Invalid, match="root folder stays"):
        editing.move_folder(root, prod, "/", carries_references=True, by=ANYBODY)
    with pytest.raises(Invalid, match="root folder stays"):
        editing.copy_folder(root, prod, "/", by=ANYBODY)


def test_a_folder_goes_into_a_copy_of_itself_once(tree: Folder, dev: Environment) -> None:
    editing.copy_folder(tree, dev, "/app", by=ANYBODY)

    assert list(dev.folders.filter(path__startswith="/app").values_list("path", flat=True)) == [
        "/app",
        "/app/api",
        "/app/app",
        "/app/app/api",
    ]


def test_references_follow_a_moved_folder(tree: Folder, root: Folder, dev: Environment, prod: Environment) -> None:
    editing.set_secret(root, "USER", "${dev.app.TOKEN}", by=ANYBODY)

    done = editing.move_folder(tree, prod, "/x", carries_references=True, by=ANYBODY)

    assert sorted(one.edge.secret.key for one in done.retold) == ["OWN", "USER"]
    assert raw(root, "USER") == "${prod.x.app.TOKEN}"
    assert read(at(prod, "/x/app/api"))["OWN"] == CANARY + "!"


@pytest.mark.parametrize("kind", [editing.move_folder, editing.copy_folder])
def test_only_the_folder_that_was_seen_goes(tree: Folder, dev: Environment, prod: Environment, kind: Any) -> None:
    wishes = {"carries_references": True} if kind is editing.move_folder else {}
    seen = kind(tree, prod, "/", **wishes, by=ANYBODY).digest
    if kind is editing.move_folder:
        editing.move_folder(at(prod, "/app"), dev, "/", carries_references=True, by=ANYBODY)
    else:
        editing.delete_folder(at(prod, "/app"), by=ANYBODY)
    editing.set_secret(at(dev, "/app/api"), "NEW", "1", by=ANYBODY)

    with pytest.raises(Outdated):
        kind(at(dev, "/app"), prod, "/", **wishes, seen=seen, by=ANYBODY)


def test_a_damaged_folder_does_not_get_another_environment(tree: Folder, dev: Environment, prod: Environment) -> None:
    Secret.objects.filter(folder=at(dev, "/app/api"), key="OWN").delete()

    with pytest.raises(VaultError, match="not as DevinSync left it"):
        editing.move_folder(tree, prod, "/", carries_references=True, by=ANYBODY)
    with pytest.raises(VaultError, match="not as DevinSync left it"):
        editing.copy_folder(tree, prod, "/", by=ANYBODY)


def test_a_project_gets_no_tag_twice(tree: Folder, other: Environment, project: Project) -> None:
    editing.copy_folder(tree, other, "/", by=ANYBODY)
    editing.copy_folder(tree, other, "/again", by=ANYBODY)

    assert Tag.objects.filter(project=other.project).count() == 1
    assert Tag.objects.filter(project=project).count() == 1
