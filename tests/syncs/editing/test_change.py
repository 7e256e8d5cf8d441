"""Changing a sync, beyond what the faces have in common."""

from queue import Queue
from threading import Barrier, Thread

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection as db

from connections.models import Connection
from syncs.choices import Status
from syncs.editing import Actor, change_sync, create_sync, switch_sync
from syncs.errors import EditRefused
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.patience import PATIENCE
from tests.syncs.editing.test_faces import a_clash_below
from vault.editing import delete_folder
from vault.models import Folder

BY = Actor.on_command_line()


def test_no_edit_made_since_is_overwritten(sync: DevinSync) -> None:
    change_sync(sync.pk, {"description": "theirs"}, by=BY, seen_version=1)

    with pytest.raises(EditRefused, match="Somebody else has changed"):
        change_sync(sync.pk, {"description": "mine"}, by=BY, seen_version=1)

    sync.refresh_from_db()
    assert (sync.description, sync.version) == ("theirs", 2)


def test_an_edit_keeps_what_a_run_has_written_since(sync: DevinSync) -> None:
    DevinSync.objects.update(sync_status=Status.SUCCEEDED, generation=7)

    change_sync(sync.pk, {"auto_sync_enabled": False}, by=BY)

    sync.refresh_from_db()
    assert (sync.sync_status, sync.generation) == (Status.SUCCEEDED, 7)


@pytest.mark.parametrize("name", ["generation", "sync_status", "project", "misspelt"])
def test_only_what_is_to_be_edited_can_be(sync: DevinSync, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        change_sync(sync.pk, {name: 1}, by=BY)


def test_a_sync_that_is_gone_is_not_changed(sync: DevinSync) -> None:
    sync_id = sync.pk
    sync.delete()

    with pytest.raises(EditRefused, match="deleted meanwhile"):
        change_sync(sync_id, {"description": "x"}, by=BY)


def test_two_that_take_a_name_at_once_do_not_both_get_it(sync: DevinSync, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one looked before the first one was saved; then the database says it."""
    for module in ("change", "create"):
        monkeypatch.setattr(f"syncs.editing.{module}.check_name_is_free", lambda *_, **__: None)
    twin = DevinSync(
        name=sync.name, project=sync.project, folder=sync.folder, connection=sync.connection, org_id=sync.org_id
    )

    with pytest.raises(EditRefused, match="already has a sync named") as refused:
        create_sync(twin, by=BY)
    assert refused.value.field == "name"

    twin.name = "other"
    twin.save(force_insert=True)
    with pytest.raises(EditRefused, match="already has a sync named"):
        change_sync(twin.pk, {"name": sync.name}, by=BY)


# Switches


@pytest.mark.parametrize("name", ["is_enabled", "auto_sync_enabled"])
def test_a_switch_that_stands_so_already_does_nothing(sync: DevinSync, name: str) -> None:
    assert not switch_sync(sync.pk, name, on=True, by=BY)

    sync.refresh_from_db()
    assert (sync.version, LogEntry.objects.count(), SyncRun.objects.count()) == (1, 0, 0)


@pytest.mark.parametrize(("name", "words"), [("is_enabled", "Syncing"), ("auto_sync_enabled", "Auto-sync")])
def test_switching_is_noted_and_what_is_switched_on_runs(sync: DevinSync, name: str, words: str) -> None:
    assert switch_sync(sync.pk, name, on=False, by=BY)
    assert not SyncRun.objects.exists()

    assert switch_sync(sync.pk, name, on=True, by=BY)

    assert SyncRun.objects.get().status == Status.PENDING
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
        f"{words} disabled on the command line.",
        f"{words} enabled on the command line.",
    ]


def test_a_sync_can_be_switched_off_whatever_has_become_of_its_source(sync: DevinSync, folder: Folder) -> None:
    DevinSync.objects.update(recursive=True)
    a_clash_below(sync)
    assert switch_sync(sync.pk, "auto_sync_enabled", on=False, by=BY)

    delete_folder(folder, by=ANYBODY)

    assert switch_sync(sync.pk, "is_enabled", on=False, by=BY)


def test_the_log_tells_what_the_options_were(sync: DevinSync, connection: Connection) -> None:
    other = Connection.objects.create(name="other", base_url=connection.base_url)

    change_sync(sync.pk, {"recursive": True, "guard_max_deletions": 3, "connection": other, "name": "new"}, by=BY)

    assert LogEntry.objects.get().change_message == (
        f"Changed connection from acme to other, guard_max_deletions from {sync.guard_max_deletions} to 3, name, "
        "recursive from False to True on the command line."
    )


# Two at once


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(db.vendor != "postgresql", reason="takes connections of its own for each thread")
def test_of_two_edits_of_what_both_have_seen_one_is_refused(sync: DevinSync) -> None:
    together, told = Barrier(2), Queue[str]()

    def edit(description: str) -> None:
        together.wait(PATIENCE)
        try:
            change_sync(sync.pk, {"description": description}, by=BY, seen_version=1)
            told.put("")
        except EditRefused as refused:
            told.put(refused.message)
        finally:
            db.close()

    threads = [Thread(target=edit, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    first, second = sorted([told.get_nowait(), told.get_nowait()])
    sync.refresh_from_db()
    assert (first, sync.version) == ("", 2)
    assert "Somebody else has changed" in second
