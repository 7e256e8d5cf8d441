"""What was read of imports and references before a project was locked counts only if nothing has changed since."""

import pytest

from tests.actors import ANYBODY
from vault import editing
from vault.affected import SeenEdges
from vault.editing import Edit
from vault.models import Folder, Project, Secret

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture
def secret(shared: Folder) -> Secret:
    return editing.set_secret(shared, "KEY", "first", by=ANYBODY)


def change(secret: Secret, seen: SeenEdges) -> None:
    editing.update_secrets(secret.folder, [Edit(secret, value="second")], seen=seen, by=ANYBODY)


def test_what_was_seen_is_followed(secret: Secret, app: Folder, announced: list[set[str]]) -> None:
    editing.add_import(app, secret.folder, by=ANYBODY)
    seen = SeenEdges.of(Project.objects.get())
    announced.clear()

    change(secret, seen)

    assert announced == [{"dev:/shared", "dev:/app"}]


def test_an_import_that_came_since_counts(secret: Secret, app: Folder, announced: list[set[str]]) -> None:
    seen = SeenEdges.of(Project.objects.get())
    editing.add_import(app, secret.folder, by=ANYBODY)
    announced.clear()

    change(secret, seen)

    assert announced == [{"dev:/shared", "dev:/app"}]


def test_a_reference_that_came_since_counts(secret: Secret, app: Folder, announced: list[set[str]]) -> None:
    seen = SeenEdges.of(Project.objects.get())
    editing.set_secret(app, "OTHER", "${dev.shared.KEY}", by=ANYBODY)
    announced.clear()

    change(secret, seen)

    assert announced == [{"dev:/shared", "dev:/app"}]


def test_an_import_that_went_since_does_not(secret: Secret, app: Folder, announced: list[set[str]]) -> None:
    row = editing.add_import(app, secret.folder, by=ANYBODY)
    seen = SeenEdges.of(Project.objects.get())
    editing.delete_import(row, by=ANYBODY)
    announced.clear()

    change(secret, seen)

    assert announced == [{"dev:/shared"}]


def test_each_change_is_counted_once(secret: Secret) -> None:
    before = Project.objects.get()

    change(secret, SeenEdges.of(before))
    change(secret, SeenEdges.of(before))

    assert Project.objects.get().revision == before.revision + 2


def test_what_a_secret_refers_to_no_more_is_forgotten(secret: Secret, app: Folder, announced: list[set[str]]) -> None:
    """And what it refers to from now on is known to the next change."""
    reader = editing.set_secret(app, "OTHER", "${dev.shared.KEY}", by=ANYBODY)
    seen = SeenEdges.of(Project.objects.get())
    editing.update_secrets(app, [Edit(reader, value="plain")], seen=seen, by=ANYBODY)
    announced.clear()

    change(secret, SeenEdges.of(Project.objects.get()))

    assert announced == [{"dev:/shared"}]
