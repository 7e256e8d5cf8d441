"""A project that is kept elsewhere is looked at now and then, and tells by itself: who runs, and who does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from common import clock
from connections.models import Connection
from sources import changes
from sources.errors import PlaceMissing, Refused, Unavailable
from sources.models import LinkedProject, WatchedPlace
from sources.protocol import EnvironmentEntry, Found, Place, SourceSecret
from sources.watching import MOST_QUIET, interval
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, ManagedSecret, SyncControl, SyncRun
from syncs.runs import jobs, polling
from tests.sources import memory
from tests.sources.memory import MemorySource, Shelf
from tests.syncs.conftest import ORG, Bench
from vault.models import Folder, Project

AddSync = Callable[..., DevinSync]


@pytest.fixture
def add_sync(shelf_project: Project, connection: Connection, rung: list[str]) -> AddSync:
    def add(path: str = "/", environment: str = "dev", **fields: object) -> DevinSync:
        name = f"sync-{DevinSync.objects.count()}"
        sync = DevinSync(
            name=name, project=shelf_project, connection=connection, org_id=ORG, key_schema=f"{name}_{{{{secretKey}}}}"
        )
        for field, value in fields.items():
            setattr(sync, field, value)
        sync.source = Found(Place(environment, path), EnvironmentEntry(environment, environment))
        sync.save()
        return sync

    return add


@pytest.fixture
def link(shelf_project: Project) -> LinkedProject:
    return LinkedProject.of(shelf_project)


def look(project: Project) -> set[str]:
    """The syncs that run because of it."""
    SyncRun.objects.all().delete()
    jobs.run_sync(str(project.pk))
    return {run.sync_name for run in SyncRun.objects.filter(trigger=Trigger.CHANGE)}


def make_due(link: LinkedProject) -> None:
    LinkedProject.objects.filter(pk=link.pk).update(next_poll_at=clock.now() - timedelta(seconds=1))


def test_what_is_due_is_rung_once(link: LinkedProject, rung_for: list[str], shelf_project: Project) -> None:
    make_due(link)

    polling.ring_due_looks()
    polling.ring_due_looks()

    assert rung_for == [str(shelf_project.pk)]


def test_what_is_not_due_or_never_looked_at_is_not_rung(link: LinkedProject, rung_for: list[str]) -> None:
    LinkedProject.objects.update(next_poll_at=clock.now() + timedelta(hours=1))
    polling.ring_due_looks()
    LinkedProject.objects.update(next_poll_at=clock.now() - timedelta(hours=1), poll_seconds=0)
    polling.ring_due_looks()

    assert rung_for == []


def test_nothing_is_looked_at_while_all_syncs_are_paused(link: LinkedProject, rung_for: list[str]) -> None:
    SyncControl.get()
    SyncControl.objects.update(is_paused=True)
    make_due(link)

    polling.ring_due_looks()

    assert rung_for == []


def test_a_new_version_runs_the_syncs_of_the_place(shelf: Shelf, shelf_project: Project, add_sync: AddSync) -> None:
    add_sync("/"), add_sync("/app"), add_sync("/app", auto_sync_enabled=False), add_sync("/app", is_enabled=False)
    shelf.version = "1"
    assert look(shelf_project) == {"sync-0", "sync-1"}, "nobody knows what they have read"
    assert look(shelf_project) == set()

    shelf.version = "2"

    assert look(shelf_project) == {"sync-0", "sync-1"}


def test_a_place_is_asked_for_once_however_many_read_it(
    shelf: Shelf, shelf_project: Project, add_sync: AddSync
) -> None:
    add_sync("/app"), add_sync("/app"), add_sync("/app", recursive=True)
    shelf.version, shelf.asked[:] = "1", []

    look(shelf_project)

    assert shelf.asked == ["version dev:/app", "version dev:/app"], "with and without those below"


def test_where_no_version_can_be_told_the_ordinary_run_decides(
    shelf: Shelf, shelf_project: Project, add_sync: AddSync
) -> None:
    add_sync("/")
    shelf.version = None

    assert (look(shelf_project), look(shelf_project)) == ({"sync-0"}, {"sync-0"})
    assert LinkedProject.of(shelf_project).quiet_polls == 2, "more and more rarely"


def test_a_source_that_does_not_answer_is_noted_and_runs_nothing(
    shelf: Shelf, shelf_project: Project, add_sync: AddSync, link: LinkedProject
) -> None:
    add_sync("/")
    shelf.says = Unavailable("The shelf asked for patience.", retry_after=timedelta(hours=2))

    assert look(shelf_project) == set()

    link.refresh_from_db()
    assert link.last_error == "The shelf asked for patience."
    assert link.next_poll_at is not None
    assert link.next_poll_at > clock.now() + timedelta(hours=1)


def test_what_was_seen_before_a_source_broke_off_counts(
    shelf: Shelf, shelf_project: Project, add_sync: AddSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a source allows fewer requests than there are places, each has its turn in some look."""
    monkeypatch.setattr("random.sample", lambda places, count: sorted(places, key=lambda each: each[0].path))
    add_sync("/"), add_sync("/app")
    shelf.version = "1"
    look(shelf_project)
    shelf.version, shelf.asked[:] = "2", []
    shelf.breaks_off_at = "version dev:/app"

    assert look(shelf_project) == {"sync-0"}

    assert shelf.asked == ["version dev:/", "version dev:/app"]
    assert LinkedProject.of(shelf_project).last_error == "The shelf broke off. It is asked again."


def test_nobody_begins_a_look_while_one_goes_on(
    shelf: Shelf, shelf_project: Project, add_sync: AddSync, link: LinkedProject, rung_for: list[str]
) -> None:
    """However long it takes; a message that comes meanwhile may ask for another one all the same."""
    add_sync("/app")
    shelf.version = "1"
    LinkedProject.objects.update(next_poll_at=clock.now() + timedelta(seconds=1))
    next_looks: list[datetime | None] = []
    shelf.before = lambda: next_looks.append(LinkedProject.of(shelf_project).next_poll_at)

    look(shelf_project)

    assert next_looks[0] is not None
    assert next_looks[0] > clock.now() + polling.RING_AGAIN


def test_a_place_that_is_gone_runs_once(shelf: Shelf, shelf_project: Project, add_sync: AddSync) -> None:
    """So that the run says so; the next looks do not repeat it."""
    add_sync("/")
    shelf.version = "1"
    look(shelf_project)
    shelf.says = PlaceMissing("There is no folder dev:/ on the shelf.")

    assert (look(shelf_project), look(shelf_project)) == ({"sync-0"}, set())


def test_places_that_nobody_reads_any_more_are_forgotten(
    shelf: Shelf, shelf_project: Project, add_sync: AddSync
) -> None:
    sync = add_sync("/app")
    shelf.version = "1"
    look(shelf_project)
    sync.delete()

    look(shelf_project)

    assert not WatchedPlace.objects.exists()


def test_it_looks_more_rarely_while_nothing_changes() -> None:
    assert interval(60, 0) == interval(60, 9) == timedelta(minutes=1)
    assert interval(60, 10) == timedelta(minutes=2)
    assert interval(60, MOST_QUIET) == timedelta(minutes=8)


def test_quiet_looks_are_counted_until_something_changes(
    shelf: Shelf, shelf_project: Project, add_sync: AddSync, link: LinkedProject
) -> None:
    add_sync("/")
    shelf.version = "1"
    look(shelf_project), look(shelf_project), look(shelf_project)
    link.refresh_from_db()
    assert link.quiet_polls == 2

    shelf.version = "2"
    look(shelf_project)

    link.refresh_from_db()
    assert link.quiet_polls == 0


def test_a_bell_for_nothing_does_nothing(db: None) -> None:
    jobs.run_sync("0b5f3f5e-0000-4000-8000-000000000000")


# What a source tells by itself


def told(project: Project, *places: Place) -> set[str]:
    SyncRun.objects.all().delete()
    changes.tell(project.pk, places)
    return {run.sync_name for run in SyncRun.objects.filter(trigger=Trigger.CHANGE)}


def test_a_message_runs_those_whose_place_equals_or_contains_it(shelf_project: Project, add_sync: AddSync) -> None:
    add_sync("/"), add_sync("/app"), add_sync("/", recursive=True), add_sync("/", "prod", recursive=True)

    assert told(shelf_project, Place("dev", "/app")) == {"sync-1", "sync-2"}
    assert told(shelf_project, Place("dev", "/")) == {"sync-0", "sync-2"}
    assert told(shelf_project, Place("prod", "/x/y")) == {"sync-3"}
    assert told(shelf_project, Place("dev", "/apple")) == {"sync-2"}


def test_a_message_runs_those_that_import_the_place(shelf: Shelf, shelf_project: Project, add_sync: AddSync) -> None:
    shelf.imported[Place("dev", "/app")] = [Place("prod", "/")]
    sync = add_sync("/app")
    assert Bench(sync, Folder()).run().status == Status.SUCCEEDED

    assert told(shelf_project, Place("prod", "/")) == {"sync-0"}
    assert told(shelf_project, Place("dev", "/")) == set()


@pytest.mark.parametrize("chosen", [{"only_tags": "devin"}, {"except_tags": "local"}])
def test_a_message_runs_those_that_choose_nothing_of_the_place_by_its_tags(
    shelf: Shelf,
    shelf_project: Project,
    add_sync: AddSync,
    monkeypatch: pytest.MonkeyPatch,
    chosen: dict[str, str],
) -> None:
    """Another tag there would be chosen, so the place concerns them all the same."""

    # A class of its own, as Python remembers of a class that it has told tags.
    class Tagged(MemorySource):
        def read_tagged(self, place: Place, *, recursive: bool = False) -> list[SourceSecret]:
            tags = {"/": frozenset({"local"}), "/app": frozenset({"devin"})}
            return [replace(each, tags=tags[each.path]) for each in self.read(place, recursive=recursive)]

        def list_tags(self, place: Place, *, recursive: bool = False) -> dict[str, frozenset[str]]:
            return {}

    monkeypatch.setattr(memory, "MemorySource", Tagged)
    shelf.imported[Place("dev", "/app")] = [Place("prod", "/")]
    sync = add_sync("/app", **chosen)

    run = Bench(sync, Folder()).run()

    assert run.status == Status.SUCCEEDED
    assert {row.source_key for row in ManagedSecret.objects.all()} == set(shelf.folders[Place("dev", "/app")])
    assert told(shelf_project, Place("prod", "/")) == {"sync-0"}


def test_after_a_message_the_whole_project_is_looked_at(
    shelf_project: Project, add_sync: AddSync, link: LinkedProject, rung_for: list[str]
) -> None:
    """For what is reached by ways that nobody has seen yet."""
    add_sync("/app")
    LinkedProject.objects.update(next_poll_at=clock.now() + timedelta(hours=1))

    told(shelf_project)
    polling.ring_due_looks()

    assert str(shelf_project.pk) in rung_for


def test_a_run_notes_when_the_project_was_read_and_what_went_wrong(
    shelf: Shelf, add_sync: AddSync, link: LinkedProject
) -> None:
    bench = Bench(add_sync("/"), Folder())
    bench.run()
    link.refresh_from_db()
    assert link.last_read_at is not None

    shelf.says = Refused("The shelf does not know this reader. Enter its key again.")
    bench.run()
    link.refresh_from_db()
    assert link.last_error == "The shelf does not know this reader. Enter its key again."

    shelf.says = None
    bench.run()
    link.refresh_from_db()
    assert link.last_error == ""
