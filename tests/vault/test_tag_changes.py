"""Tags as something to choose secrets by: who is told when they change, and of which moment they are read."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.actors import ANYBODY
from vault import editing, loading
from vault.editing import Labels, Upkeep
from vault.loading import load_resolver
from vault.models import Folder, Secret, Tag
from vault.reading import list_tags, read_secrets

ALL = {"dev:/app's tags", "dev:/shared's tags"}


@pytest.fixture
def secret(app: Folder, shared: Folder) -> Secret:
    """With a tag; `/shared` imports it."""
    secret = editing.set_secret(app, "TOKEN", "one", by=ANYBODY)
    editing.add_import(shared, app, by=ANYBODY)
    tag(secret, "hot")
    return secret


def tag(secret: Secret, *slugs: str) -> None:
    editing.change_tags(secret.folder.environment.project, [secret], add=slugs, remove=[], by=ANYBODY)


def hot() -> Tag:
    return Tag.objects.get(slug="hot")


CHANGES: dict[str, Callable[[Secret], object]] = {
    "put on it": lambda secret: tag(secret, "cold"),
    "taken from it": lambda secret: editing.change_tags(
        secret.folder.environment.project, [secret], add=[], remove=[hot()], by=ANYBODY
    ),
    "set with its labels": lambda secret: editing.set_labels(
        secret.folder.environment.project_id, {secret: Labels(tag_ids=[])}, by=ANYBODY
    ),
    "entered on its page": lambda secret: editing.set_upkeep(secret, Upkeep(tags=["cold"]), by=ANYBODY),
    "another slug": lambda secret: editing.update_tag(hot(), slug="warm", name=None, color=None, by=ANYBODY),
    "deleted": lambda secret: editing.delete_tag(hot(), by=ANYBODY),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_tag_that_changes_is_told_wherever_its_secret_is_seen(
    secret: Secret, announced: list[set[str]], change: Callable[[Secret], object]
) -> None:
    announced.clear()

    change(secret)

    assert announced == [ALL]


NO_CHANGES: dict[str, Callable[[Secret], object]] = {
    "a name": lambda secret: editing.update_tag(hot(), slug="hot", name="Hot", color="red", by=ANYBODY),
    "a new tag": lambda secret: editing.create_tag(secret.folder.environment.project, "cold", by=ANYBODY),
    "an owner": lambda secret: editing.set_upkeep(secret, Upkeep("alice", tags=["hot"]), by=ANYBODY),
    "a reminder": lambda secret: editing.set_labels(
        secret.folder.environment.project_id, {secret: Labels(reminder_days=3)}, by=ANYBODY
    ),
}


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES.keys())
def test_what_nobody_chooses_by_is_not_told(
    secret: Secret, announced: list[set[str]], change: Callable[[Secret], object]
) -> None:
    announced.clear()

    change(secret)

    assert announced == []


def test_a_tag_is_that_of_the_secret_where_it_is_stored(secret: Secret, shared: Folder) -> None:
    editing.set_secret(shared, "REFERS", "${dev.app.TOKEN}", by=ANYBODY)

    found = {each.key: each.tags for each in read_secrets(shared, tags=True)}

    assert found == {"TOKEN": {"hot"}, "REFERS": frozenset()} == list_tags(shared)
    assert not any(each.tags for each in read_secrets(shared))


def test_tags_cost_one_statement_and_only_where_they_are_asked_for(secret: Secret, shared: Folder) -> None:
    assert statements(lambda: read_secrets(shared, tags=True)) == statements(lambda: read_secrets(shared)) + 1


def test_tags_of_another_moment_than_the_values_are_read_again(
    secret: Secret, app: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a secret that was renamed between the two would pass for one without a tag."""
    load, asked = loading._load_tags, list[int]()

    def load_and_meddle(project_id: object, folder_ids: object) -> object:
        found = load(project_id, folder_ids)  # type: ignore[arg-type]
        if not asked:
            editing.delete_tag(hot(), by=ANYBODY)
        asked.append(1)
        return found

    monkeypatch.setattr(loading, "_load_tags", load_and_meddle)

    assert list_tags(app) == {"TOKEN": frozenset()}
    assert len(asked) == 2


def test_tags_of_many_folders_are_read_with_the_whole_project(
    secret: Secret, app: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "FEW", 0)

    resolver, _ = load_resolver(app, tags=True)

    assert resolver.own(app.pk)["TOKEN"].tags == {"hot"}


def statements(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)
