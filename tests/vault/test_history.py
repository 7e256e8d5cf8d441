"""A folder as it was at a time: what is told of it, and setting it back by just the plan that was shown."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from tests.vault.test_page_permissions import person
from tests.vault.test_statements import statements
from tests.vault.test_trash import values
from tests.vault.test_trash_pages import text_of
from vault import editing
from vault.editing import Actor
from vault.errors import Outdated
from vault.history import FolderPlan, Kind, moments, plan_restore
from vault.loading import check_folder
from vault.models import Folder, Secret, SecretVersion
from vault.retention import clean_versions
from vault.trash import in_trash

CANARY = "canary-history-4c0e"
TUESDAY = timezone.now() - timedelta(days=2)


def write(folder: Folder, key: str, *values: tuple[str, datetime]) -> Secret:
    """A secret with a version of each time."""
    for value, _ in values:
        editing.set_secret(folder, key, value, by=ANYBODY)
    secret = folder.secrets.select_related("folder__environment").get(key=key)
    for version, (_, at) in enumerate(values, start=1):
        secret.versions.filter(version=version).update(created_at=at)
    Secret.objects.filter(pk=secret.pk).update(created_at=values[0][1])
    return secret


@pytest.fixture
def lived(app: Folder) -> Folder:
    """On Tuesday: KEPT 1, CHANGED 1, GONE 1. Since then CHANGED has changed, GONE gone, NEW come."""
    before, after = TUESDAY - timedelta(hours=1), TUESDAY + timedelta(hours=1)
    write(app, "KEPT", ("kept", before))
    write(app, "CHANGED", ("then", before), ("now", after))
    write(app, "GONE", ("gone", before), ("gone later", after))
    write(app, "NEW", ("new", after))
    editing.delete_secret(app.secrets.select_related("folder__environment").get(key="GONE"), by=ANYBODY)
    return app


def plan(folder: Folder, at: datetime = TUESDAY, *, compares: bool = True) -> FolderPlan:
    return plan_restore(Folder.objects.select_related("environment").get(pk=folder.pk), at, compares_values=compares)


def told(found: FolderPlan) -> list[tuple[str, str, int, int]]:
    return [(str(step.kind), step.key, step.now, step.then) for step in found.steps]


def test_tells_key_by_key_what_it_takes(lived: Folder) -> None:
    assert told(plan(lived)) == [("create", "GONE", 2, 1), ("change", "CHANGED", 2, 1), ("delete", "NEW", 1, 0)]
    assert plan(lived).same == 1


@pytest.mark.postgresql
def test_sets_all_of_it_back_in_one_change(lived: Folder, announced: list[set[str]]) -> None:
    announced.clear()

    editing.restore_folder(lived, plan(lived), by=ANYBODY)

    assert values(lived) == {"KEPT": "kept", "CHANGED": "then", "GONE": "gone"}
    assert len(announced) == 1
    check_folder(Folder.objects.get(pk=lived.pk))
    assert Secret.objects.get(key="CHANGED").version == 3, "the way there is a version of its own"
    assert [entry.name for entry in in_trash()] == ["NEW"]
    assert plan(lived).of(Kind.CHANGE) == []


def test_going_back_can_be_taken_back(lived: Folder) -> None:
    before = values(lived)
    moment = timezone.now()
    editing.restore_folder(lived, plan(lived), by=ANYBODY)

    editing.restore_folder(lived, plan(lived, moment), by=ANYBODY)

    # When it was in the trash is known no more: the page says so.
    assert values(lived) == before | {"GONE": "gone later"}


CHANGES: dict[str, Any] = {
    "a secret of the plan": lambda folder: editing.set_secret(folder, "CHANGED", "newer", by=ANYBODY),
    "a secret that stays": lambda folder: editing.set_secret(folder, "KEPT", "newer", by=ANYBODY),
    "a new secret": lambda folder: editing.set_secret(folder, "NEWER", "1", by=ANYBODY),
    "another key": lambda folder: editing.rename_secret(Secret.objects.get(key="KEPT"), "OTHER", by=ANYBODY),
    "a deletion": lambda folder: editing.delete_secret(Secret.objects.get(key="KEPT"), by=ANYBODY),
    "the trash": lambda folder: editing.delete_for_good(in_trash().get(), by=ANYBODY),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_plan_of_another_state_is_refused(lived: Folder, change: Any) -> None:
    shown = plan(lived)
    change(lived)
    before = list(Secret.objects.order_by("pk").values())

    with pytest.raises(Outdated, match="was changed since this was planned"):
        editing.restore_folder(lived, shown, by=ANYBODY)

    assert list(Secret.objects.order_by("pk").values()) == before


def test_a_key_that_came_again_gives_way_to_the_one_of_then(lived: Folder) -> None:
    editing.set_secret(lived, "GONE", "another", by=ANYBODY)
    assert told(plan(lived))[0] == ("create", "GONE", 2, 1)

    editing.restore_folder(lived, plan(lived), by=ANYBODY)

    assert values(lived)["GONE"] == "gone"
    assert {entry.name for entry in in_trash()} == {"GONE", "NEW"}


def test_a_key_that_a_secret_of_then_has_today_is_named(lived: Folder) -> None:
    editing.rename_secret(Secret.objects.select_related("folder__environment").get(key="KEPT"), "GONE", by=ANYBODY)

    found = plan(lived)
    editing.restore_folder(lived, found, by=ANYBODY)

    assert found.taken == ("GONE",)
    assert values(lived) == {"GONE": "kept", "CHANGED": "then"}


def test_a_version_that_is_kept_no_more_is_named_and_left(app: Folder, settings: LazySettings) -> None:
    now = timezone.now()
    write(app, "A", ("1", now - timedelta(days=900)), ("2", now - timedelta(days=500)), ("3", now))
    settings.SECRET_VERSIONS_KEPT = timedelta(days=365)
    clean_versions()

    found = plan(app, now - timedelta(days=800))

    assert (found.steps, found.unknown) == ((), ("A",))


def test_an_equal_value_is_told_to_nobody_who_may_not_read(app: Folder) -> None:
    write(app, "A", ("same", TUESDAY - timedelta(hours=1)))
    editing.set_secret(app, "A", "other", by=ANYBODY)
    editing.set_secret(app, "A", "same", by=ANYBODY)

    assert plan(app).steps == ()
    assert told(plan(app, compares=False)) == [("change", "A", 3, 1)]
    editing.restore_folder(app, plan(app, compares=False), by=Actor(None, can_reveal=False))
    assert Secret.objects.get(key="A").version == 4


def test_knows_when_something_changed(lived: Folder) -> None:
    found = {key for moment in moments(lived) for key in moment.keys}

    assert found == {"KEPT", "CHANGED", "GONE", "NEW"}
    assert [moment.deleted for moment in moments(lived) if moment.deleted] == [("GONE",)]
    first = moments(lived)[-1]
    assert {key for moment in moments(lived)[-1:] for key in moment.keys} == {"KEPT", "CHANGED", "GONE"}
    assert told(plan(lived, first.before)) == [("delete", key, version, 0) for key, version in _live(lived)]


def _live(folder: Folder) -> list[tuple[str, int]]:
    return list(folder.secrets.order_by("key").values_list("key", "version"))


# The page


def address(folder: Folder) -> str:
    return reverse("admin:vault_history", args=[folder.pk])


def test_the_page_shows_the_plan_and_does_just_that(editor: Client, lived: Folder) -> None:
    start = editor.get(address(lived))
    assert "When something changed" in text_of(start)
    assert "Not what a secret was called before it got another key" in text_of(start)

    page = editor.get(address(lived), {"at": TUESDAY.isoformat()})
    assert "Change back CHANGED from version 2 to version 1" in text_of(page)
    assert "Create GONE from the trash, at version 1" in text_of(page)
    assert "Delete NEW was not there yet; goes to the trash" in text_of(page)
    assert "Restore: 1 created again, 1 changed back, 1 deleted" in text_of(page)
    for value in ("then", "gone later"):
        assert f">{value}<" not in page.content.decode()
    assert Secret.objects.count() == 3

    done = editor.post(address(lived), {"at": TUESDAY.isoformat(), "seen": page.context["seen"]}, follow=True)

    assert "1 created again, 1 changed back, 1 deleted" in text_of(done)
    assert values(lived) == {"KEPT": "kept", "CHANGED": "then", "GONE": "gone"}
    assert LogEntry.objects.get().change_message.startswith("Restored /app as it was on ")


def test_what_was_not_shown_is_not_done(editor: Client, lived: Folder) -> None:
    page = editor.get(address(lived), {"at": TUESDAY.isoformat()})
    editing.set_secret(lived, "KEPT", "newer", by=ANYBODY)

    again = editor.post(address(lived), {"at": TUESDAY.isoformat(), "seen": page.context["seen"]})

    assert "Nothing was restored." in text_of(again)
    assert values(lived)["CHANGED"] == "now"


@pytest.mark.parametrize("lacking", ["add_secret", "change_secret", "delete_secret"])
def test_takes_each_right_that_the_plan_takes(lived: Folder, lacking: str) -> None:
    rights = {"view_folder", "view_secret", "reveal_secret", "add_secret", "change_secret", "delete_secret"} - {lacking}
    client = person("somebody", rights)
    page = client.get(address(lived), {"at": TUESDAY.isoformat()})
    assert "you lack one" in text_of(page)

    assert client.post(address(lived), {"at": TUESDAY.isoformat(), "seen": page.context["seen"]}).status_code == 403
    assert values(lived)["CHANGED"] == "now"


@pytest.mark.parametrize("asked", ["soon", "2026-13-40 10:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59"])
def test_says_what_is_no_time(client_of: ClientOf, app: Folder, asked: str) -> None:
    assert "is no time to look at" in text_of(client_of("viewer").get(address(app), {"at": asked}))


def test_says_what_is_not_known_of_an_early_time(editor: Client, lived: Folder) -> None:
    assert "deleted secrets are not known" not in text_of(editor.get(address(lived), {"at": TUESDAY.isoformat()}))

    early = editor.get(address(lived), {"at": (TUESDAY - timedelta(days=30)).isoformat()})

    assert "Of that time, deleted secrets are not known." in text_of(early)


def test_takes_as_many_statements_for_much(app: Folder, shared: Folder) -> None:
    def fill(folder: Folder, count: int) -> None:
        for number in range(count):
            write(folder, f"K{number}", ("1", TUESDAY - timedelta(hours=1)), ("2", TUESDAY + timedelta(hours=1)))
            write(folder, f"G{number}", ("1", TUESDAY - timedelta(hours=1)))
        editing.delete_secrets(
            folder.secrets.filter(key__startswith="G").select_related("folder__environment"), by=ANYBODY
        )

    fill(app, 1)
    fill(shared, 12)

    for ask in (plan, moments):
        few, many = statements(lambda ask=ask: ask(app)), statements(lambda ask=ask: ask(shared))  # type: ignore[misc]
        assert few == many
    assert SecretVersion.objects.filter(secret__folder=shared).count() == 24
