"""After a failover nobody writes for the length of a lease: whom the new server forgot may still be at it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.db.models.functions import Now

from syncs.models import SyncControl
from syncs.runs import failover

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL numbers its histories.")
Lead = Callable[[str], timedelta]


@pytest.fixture
def lead(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Lead:
    """How long one has to wait, with the database in the history of that number."""
    settings.SYNC_LEASE = timedelta(hours=1)

    def wait(timeline: str) -> timedelta:
        monkeypatch.setattr(failover, "current_timeline", lambda: timeline)
        with transaction.atomic():
            return failover.time_to_wait(SyncControl.get())

    return wait


def test_the_first_history_that_is_seen_makes_nobody_wait(lead: Lead) -> None:
    assert [lead("00000003"), lead("00000003")] == [timedelta(), timedelta()]


def test_another_one_makes_all_wait_until_every_lease_has_ended(lead: Lead, settings: LazySettings) -> None:
    lead("00000001")

    first, second = lead("00000002"), lead("00000002")

    assert timedelta() < second < first <= settings.SYNC_LEASE
    SyncControl.objects.update(timeline_since=Now() - settings.SYNC_LEASE)
    assert lead("00000002") == timedelta()


def test_who_saw_it_in_the_meantime_has_the_word(lead: Lead) -> None:
    """Two take an organization at once: the slower one goes by what the other wrote."""
    lead("00000001")
    slower = SyncControl.get()
    lead("00000002")
    noted = SyncControl.get().timeline_since

    failover.time_to_wait(slower)

    assert (slower.timeline, slower.timeline_since) == ("00000002", noted)


@pytest.mark.parametrize(("before", "after"), [("00000002", ""), ("", "00000002")])
def test_a_database_without_such_numbers_makes_nobody_wait(lead: Lead, before: str, after: str) -> None:
    """As one that was moved to SQLite, or from there."""
    lead(before)

    assert lead(after) == timedelta()
    assert SyncControl.get().timeline == after


@on_postgresql
def test_postgresql_tells_its_number() -> None:
    assert failover.current_timeline() == "00000001"


@on_postgresql
def test_a_server_that_does_not_tell_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failover, "_tells", [])
    monkeypatch.setattr(failover, "TIMELINE", "SELECT no_such_function()")

    with transaction.atomic():
        assert failover.current_timeline() == ""
        assert SyncControl.get().timeline == ""
    monkeypatch.setattr(failover, "TIMELINE", "SELECT 'told'")

    assert failover.current_timeline() == ""
