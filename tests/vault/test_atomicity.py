"""A change that is refused, at whatever point, leaves all rows as they were and tells nobody."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.actors import ANYBODY
from vault import editing
from vault.editing import Edit, Labels, Metadatum
from vault.effects import foresee
from vault.errors import EditingError, InUse, Invalid, Missing, Outdated, Taken
from vault.models import (
    Environment,
    Folder,
    Project,
    Secret,
    SecretImport,
    SecretMetadata,
    SecretReference,
    SecretVersion,
    Tag,
)
from vault.signals import contents_changed

MODELS: tuple[Any, ...] = (
    Project,
    Environment,
    Folder,
    Secret,
    SecretVersion,
    SecretReference,
    SecretImport,
    SecretMetadata,
    Tag,
    Secret.tags.through,
)
BAD = "${@a.b.C}"


@pytest.fixture
def rows(app: Folder, shared: Folder, root: Folder, prod: Environment) -> dict[str, Any]:
    editing.set_secrets(app, {"A": "1", "B": "${A}", "C": "3"}, comments={"A": "why"}, by=ANYBODY)
    editing.set_secret(app, "A", "2", by=ANYBODY)
    a, b, c = app.secrets.select_related("folder__environment").order_by("key")
    tag = editing.create_tag(app.environment.project, "hot", by=ANYBODY)
    row = editing.add_import(app, shared, by=ANYBODY)
    foreign = editing.create_project(name="Other", environments=[("Dev", "dev")], by=ANYBODY)
    there = foreign.environments.get().folders.select_related("environment").get()
    return {
        "a": a,
        "b": b,
        "c": c,
        "app": app,
        "shared": shared,
        "root": root,
        "prod": prod,
        "dev": app.environment,
        "project": app.environment.project,
        "import": row,
        "tag": tag,
        "foreign": there,
    }


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], type[EditingError]]] = {
    "the last of many new secrets": (
        lambda r: editing.set_secrets(r["app"], {"D": "4", "A": "9", "E": BAD}, by=ANYBODY),
        Invalid,
    ),
    "a key among good ones": (lambda r: editing.set_secrets(r["app"], {"D": "4", "1": "5"}, by=ANYBODY), Invalid),
    "a comment among good ones": (
        lambda r: editing.set_secrets(r["app"], {"D": "4"}, comments={"D": "x" * 2001}, by=ANYBODY),
        Invalid,
    ),
    "one that is there": (
        lambda r: editing.set_secrets(r["app"], {"D": "4", "A": "9"}, must_exist=False, by=ANYBODY),
        Taken,
    ),
    "one that is not there": (
        lambda r: editing.set_secrets(r["app"], {"A": "9", "D": "4"}, must_exist=True, by=ANYBODY),
        Missing,
    ),
    "a value after a rename": (
        lambda r: editing.update_secrets(r["app"], [Edit(r["a"], key="D"), Edit(r["b"], value=BAD)], by=ANYBODY),
        Invalid,
    ),
    "a comment after a value": (
        lambda r: editing.update_secrets(r["app"], [Edit(r["a"], value="9"), Edit(r["b"], comment="\0")], by=ANYBODY),
        Invalid,
    ),
    "two of one name": (
        lambda r: editing.update_secrets(r["app"], [Edit(r["a"], key="D"), Edit(r["b"], key="D")], by=ANYBODY),
        Taken,
    ),
    "a name that a third keeps": (
        lambda r: editing.update_secrets(r["app"], [Edit(r["a"], key="B"), Edit(r["b"], key="C")], by=ANYBODY),
        Taken,
    ),
    "one that is outdated": (
        lambda r: editing.update_secrets(
            r["app"], [Edit(r["b"], value="9"), Edit(r["a"], value="9", expected_version=1)], by=ANYBODY
        ),
        Outdated,
    ),
    "one of another folder": (
        lambda r: editing.update_secrets(r["shared"], [Edit(r["a"], value="9")], by=ANYBODY),
        Missing,
    ),
    "a version that is not there": (lambda r: editing.restore_version(r["a"], 3, by=ANYBODY), Missing),
    "a path above which folders would be new": (
        lambda r: editing.create_folder(r["dev"], "/new/" + "/".join(["x" * 250] * 5), by=ANYBODY),
        Invalid,
    ),
    "a folder that is there": (lambda r: editing.create_folder(r["dev"], "/app", by=ANYBODY), Taken),
    "a folder's name and description": (
        lambda r: editing.update_folder(r["app"], name="shared", description="new", by=ANYBODY),
        Taken,
    ),
    "a folder that others import": (lambda r: editing.delete_folder(r["shared"], by=ANYBODY), InUse),
    "the root folder": (lambda r: editing.delete_folder(r["root"], by=ANYBODY), Invalid),
    "an environment's name with a slug that is taken": (
        lambda r: editing.update_environment(r["dev"], name="New", slug="prod", by=ANYBODY),
        Taken,
    ),
    "an environment's place with a slug that is none": (
        lambda r: editing.update_environment(r["dev"], position=7, slug="a b", by=ANYBODY),
        Invalid,
    ),
    "a project's name with a slug that is taken": (
        lambda r: editing.update_project(r["project"], name="New", slug="other", by=ANYBODY),
        Taken,
    ),
    "a project with two environments of one slug": (
        lambda r: editing.create_project(name="Third", environments=[("A", "a"), ("B", "a")], by=ANYBODY),
        Taken,
    ),
    "an import from another project": (lambda r: editing.add_import(r["app"], r["foreign"], by=ANYBODY), Invalid),
    "an import that is there": (lambda r: editing.add_import(r["app"], r["shared"], by=ANYBODY), Taken),
    "an import in a circle": (lambda r: editing.add_import(r["shared"], r["app"], by=ANYBODY), Invalid),
    "an import that would point to its own folder": (
        lambda r: editing.point_import(r["import"], r["app"], by=ANYBODY),
        Invalid,
    ),
    "a tag that is there": (lambda r: editing.create_tag(r["project"], "hot", by=ANYBODY), Taken),
    "a tag's slug that is none": (
        lambda r: editing.update_tag(r["tag"], slug="a b", name="New", color=None, by=ANYBODY),
        Invalid,
    ),
    "labels with a tag of another project": (
        lambda r: editing.set_labels(
            r["project"].pk,
            {
                r["a"]: Labels(reminder_note="rotate", metadata=[Metadatum("team", "x")]),
                r["b"]: Labels(tag_ids=[r["tag"].pk, r["foreign"].pk]),
            },
            by=ANYBODY,
        ),
        Invalid,
    ),
}


def state() -> list[list[dict[str, Any]]]:
    return [list(model._default_manager.order_by("pk").values()) for model in MODELS]


@pytest.mark.postgresql
@pytest.mark.parametrize(("edit", "kind"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refusal_changes_nothing_and_tells_nobody(
    rows: dict[str, Any], announced: list[set[str]], edit: Callable[[Any], object], kind: type[EditingError]
) -> None:
    before = state()
    announced.clear()

    with pytest.raises(kind) as caught:
        edit(rows)

    assert state() == before
    assert announced == []
    assert caught.value.message.endswith(".")


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "new and changed secrets": lambda r: editing.set_secrets(r["app"], {"A": "9", "D": "${A}"}, by=ANYBODY),
    "keys that swap": lambda r: editing.update_secrets(
        r["app"], [Edit(r["a"], key="B"), Edit(r["b"], key="A", value="9")], by=ANYBODY
    ),
    "a version that comes back": lambda r: editing.restore_version(r["a"], 1, by=ANYBODY),
    "secrets that go": lambda r: editing.delete_secrets([r["a"], r["b"]], by=ANYBODY),
    "a folder that moves": lambda r: editing.rename_folder(r["app"], "api", by=ANYBODY),
    "a folder that goes": lambda r: editing.delete_folder(r["app"], by=ANYBODY),
    "an environment's slug": lambda r: editing.update_environment(r["dev"], slug="live", by=ANYBODY),
    "an environment that goes": lambda r: editing.delete_environment(r["dev"], by=ANYBODY),
    "a project that goes": lambda r: editing.delete_project(r["project"], by=ANYBODY),
    "an import that goes": lambda r: editing.delete_import(r["import"], by=ANYBODY),
    "an import that points elsewhere": lambda r: editing.point_import(r["import"], r["root"], by=ANYBODY),
}


@pytest.mark.postgresql
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_listener_that_fails_undoes_it_all(rows: dict[str, Any], edit: Callable[[Any], object]) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError

    before = state()
    contents_changed.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            edit(rows)
    finally:
        contents_changed.disconnect(fail)

    assert state() == before


@pytest.mark.postgresql
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_what_is_foreseen_does_not_happen(
    rows: dict[str, Any], announced: list[set[str]], edit: Callable[[Any], object]
) -> None:
    before = state()
    announced.clear()

    foresee(lambda: edit(rows), compares_values=True)

    assert state() == before
    assert announced == []


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_change_locks_its_project_before_it_looks(rows: dict[str, Any], edit: Callable[[Any], object]) -> None:
    """Two changes of a project wait for each other by its row; whatever is read before it may be of the past."""
    with CaptureQueriesContext(connection) as queries:
        edit(rows)

    statements = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    writes = [number for number, sql in enumerate(statements) if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert statements[writes[0]].startswith('UPDATE "vault_project" SET "revision" =')
    assert not any(' FROM "vault_secret" ' in sql for sql in statements[: writes[0]])


def test_a_change_counts_once_for_its_own_project(rows: dict[str, Any]) -> None:
    before = Project.objects.get(pk=rows["project"].pk).revision

    editing.set_secrets(rows["app"], {"A": "9", "D": "4"}, by=ANYBODY)

    assert Project.objects.get(pk=rows["project"].pk).revision == before + 1
    assert Project.objects.get(slug="other").revision == 0
