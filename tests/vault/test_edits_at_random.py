"""After any edits, in any order: who reads another value was told, and rows, versions, references and paths agree."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.actors import ANYBODY, writer
from vault import editing
from vault.editing import Actor
from vault.errors import EditingError, SourceError
from vault.loading import describe_state, load_resolver
from vault.models import Environment, Folder, Project, Secret, SecretImport
from vault.references import find_references
from vault.resolution import Resolver
from vault.signals import contents_changed
from vault.values import open_value, open_version

KEYS = ("A", "B", "dev.A", "db.host")
TEXTS = ("1", "2", "$${A}")
VALUES = (*TEXTS, "${A}", "<${B}>", "${dev.A}", "${dev.x.B}", "${prod.y.A}", "${db.host}", "${qa.A}", "${x.B}")
NAMES = ("x", "y", "z")
CANARY = re.compile(r"\{canary [^}]+\}")
SLUGS = ("dev", "prod", "qa", "db")
# A row is meant by a number, counted around: so every edit means something, whatever is there.
NUMBER = st.integers(0, 11)
KEY, VALUE, NAME = st.sampled_from(KEYS), st.sampled_from(VALUES), st.sampled_from(NAMES)


def pick(rows: Any, number: int) -> Any:
    found = list(rows)
    return found[number % len(found)] if found else None


def folder(number: int) -> Folder:
    rows = Folder.objects.select_related("environment__project", "parent")
    return pick(rows.order_by("environment__slug", "path"), number)  # type: ignore[no-any-return]


def with_one(rows: Any, number: int, edit: Callable[[Any], object]) -> None:
    row = pick(rows, number)
    if row is not None:
        edit(row)


def secrets() -> Any:
    rows = Secret.objects.select_related("folder__environment__project")
    return rows.order_by("folder__environment__slug", "folder__path", "key")


def imports() -> Any:
    rows = SecretImport.objects.select_related("folder__environment__project", "source__environment")
    return rows.order_by("folder__environment__slug", "folder__path", "position")


EDITS: dict[str, Callable[[Actor, int, int, str, str, str], object]] = {
    "set": lambda by, a, b, key, value, name: editing.set_secrets(folder(a), {key: value}, by=by),
    "set two": lambda by, a, b, key, value, name: editing.set_secrets(folder(a), {key: value, "B": "b"}, by=by),
    "set as text": lambda by, a, b, key, value, name: editing.set_secrets(
        folder(a), {key: value}, literal={key: b % 2 == 0}, by=by
    ),
    "rename": lambda by, a, b, key, value, name: with_one(
        secrets(), a, lambda row: editing.rename_secret(row, key, by=by)
    ),
    "restore": lambda by, a, b, key, value, name: with_one(
        secrets(), a, lambda row: editing.restore_version(row, 1, by=by)
    ),
    "delete": lambda by, a, b, key, value, name: with_one(secrets(), a, lambda row: editing.delete_secret(row, by=by)),
    "copy": lambda by, a, b, key, value, name: editing.copy_secrets(
        folder(a), [key], folder(b).environment, folder(b).path, replaces=value in TEXTS, by=by
    ),
    "move": lambda by, a, b, key, value, name: editing.move_secrets(
        folder(a), [key], folder(b).environment, folder(b).path, carries_references=value in TEXTS, by=by
    ),
    "copy a folder": lambda by, a, b, key, value, name: editing.copy_folder(
        folder(a), folder(b).environment, folder(b).path, by=by
    ),
    "move a folder": lambda by, a, b, key, value, name: editing.move_folder(
        folder(a), folder(b).environment, folder(b).path, carries_references=value in TEXTS, by=by
    ),
    "import": lambda by, a, b, key, value, name: editing.add_import(folder(a), folder(b), by=by),
    "move an import": lambda by, a, b, key, value, name: with_one(
        imports(), a, lambda row: editing.move_import(row, b, by=by)
    ),
    "point an import": lambda by, a, b, key, value, name: with_one(
        imports(), a, lambda row: editing.point_import(row, folder(b), by=by)
    ),
    "end an import": lambda by, a, b, key, value, name: with_one(
        imports(), a, lambda row: editing.delete_import(row, by=by)
    ),
    "add a folder": lambda by, a, b, key, value, name: editing.create_folder(
        folder(a).environment, folder(a).prefix + name, by=by
    ),
    "rename a folder": lambda by, a, b, key, value, name: editing.rename_folder(folder(a), name, by=by),
    "delete a folder": lambda by, a, b, key, value, name: editing.delete_folder(folder(a), by=by),
    "rename an environment": lambda by, a, b, key, value, name: editing.update_environment(
        pick(Environment.objects.order_by("pk"), a), slug=SLUGS[b % len(SLUGS)], by=by
    ),
}
EDIT = st.tuples(st.sampled_from(sorted(EDITS)), NUMBER, NUMBER, KEY, VALUE, NAME)


@contextmanager
def undone() -> Iterator[None]:
    """Takes back what one example wrote."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def told() -> Iterator[set[UUID]]:
    """The folders that readers are told of."""
    found: set[UUID] = set()

    def note(folder_ids: set[UUID], **_: object) -> None:
        found.update(folder_ids)

    contents_changed.connect(note)
    yield found
    contents_changed.disconnect(note)


def value_in(resolver: Resolver, secret: Any) -> str | None:
    try:
        return resolver.value(secret)
    except SourceError:
        return None


def contents(row: Folder, *, whole_project: bool) -> dict[str, str | None]:
    """What a reader of the folder gets, by key; None for what can't be read."""
    resolver, _ = load_resolver(row, whole_project=whole_project)
    return {key: value_in(resolver, secret) for key, secret in resolver.visible(row.id).items()}


def look() -> dict[UUID, dict[str, str | None]]:
    return {row.id: contents(row, whole_project=True) for row in Folder.objects.select_related("environment")}


def check_rows() -> None:
    for row in Folder.objects.select_related("parent"):
        assert row.path == (row.parent.prefix + row.name if row.parent else "/")
        positions = list(row.imports.values_list("position", flat=True))
        assert positions == list(range(1, len(positions) + 1))
    for secret in Secret.objects.prefetch_related("versions", "references"):
        newest = secret.versions.all()[0]
        value = open_value(secret)
        assert (newest.version, newest.is_literal, open_version(newest, key="")) == (
            secret.version,
            secret.is_literal,
            value,
        )
        noted = {edge.reference for edge in secret.references.all()}
        assert noted == (set() if secret.is_literal else set(find_references(value)))


@pytest.fixture
def world(project: Project, dev: Environment, prod: Environment) -> Project:
    for environment in (dev, prod):
        for path in ("/x/y", "/y"):
            editing.create_folder(environment, path, by=ANYBODY)
    editing.set_secrets(dev.folders.get(path="/"), {"A": "a", "URL": "${db.host}/${dev.x.B}"}, by=ANYBODY)
    editing.set_secrets(dev.folders.get(path="/x"), {"B": "${A}", "A": "ax"}, by=ANYBODY)
    editing.set_secrets(prod.folders.get(path="/y"), {"A": "${dev.x.B}"}, by=ANYBODY)
    editing.add_import(dev.folders.get(path="/y"), dev.folders.get(path="/x"), by=ANYBODY)
    return project


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(EDIT, min_size=1, max_size=6))
def test_whoever_reads_something_else_was_told(world: Project, edits: list[Any]) -> None:
    with undone():
        before = look()
        for name, *how in edits:
            with told() as folder_ids:
                try:
                    EDITS[name](ANYBODY, *how)
                except EditingError:
                    assert folder_ids == set()
            after = look()
            changed = {id_ for id_ in before.keys() | after.keys() if before.get(id_, {}) != after.get(id_, {})}
            assert changed <= folder_ids, (name, how)
            before = after
        check_rows()


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(EDIT, min_size=1, max_size=6))
def test_a_folder_reads_the_same_from_what_it_needs_and_from_all(world: Project, edits: list[Any]) -> None:
    with undone():
        for name, *how in edits:
            try:
                EDITS[name](ANYBODY, *how)
            except EditingError:
                continue
        for row in Folder.objects.select_related("environment"):
            assert contents(row, whole_project=False) == contents(row, whole_project=True)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(EDIT, min_size=1, max_size=4), NUMBER)
def test_what_is_described_alike_reads_alike(world: Project, edits: list[Any], number: int) -> None:
    with undone():
        row = folder(number)

        def states() -> dict[str, tuple[Any, Any]]:
            found: dict[str, tuple[Any, Any]] = {"": (describe_state(row), contents(row, whole_project=True))}
            for key in KEYS:
                found[key] = (describe_state(row, key=key), contents(row, whole_project=True).get(key))
            return found

        before = states()
        for name, *how in edits:
            try:
                EDITS[name](ANYBODY, *how)
            except EditingError:
                continue
            if not Folder.objects.filter(id=row.id).exists():
                return
            after = states()
            for key, (state, answer) in after.items():
                if state == before[key][0]:
                    assert answer == before[key][1], (name, how, key)
            before = after


def canaries() -> set[tuple[str, str]]:
    """The environments, and the values of others that a reader of one of their folders gets."""
    found = set()
    for row in Folder.objects.select_related("environment"):
        here = str(row.environment_id)
        for value in contents(row, whole_project=True).values():
            found |= {(here, canary) for canary in CANARY.findall(value or "") if here not in canary}
    return found


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(st.lists(EDIT, min_size=1, max_size=6))
def test_no_edits_of_one_who_may_not_read_bring_a_value_to_another_environment(
    world: Project, alice: User, edits: list[Any]
) -> None:
    blind = writer(alice)
    with undone():
        for number, secret in enumerate(Secret.objects.select_related("folder__environment")):
            canary = f"{{canary {secret.folder.environment_id} {number}}}"
            editing.update_secret(secret, value=open_value(secret) + canary, by=ANYBODY)
        before = canaries()
        for name, *how in edits:
            with suppress(EditingError):
                EDITS[name](blind, *how)
            assert canaries() <= before, (name, how)
