"""The lease on an organization: renewed together, lost at once, ended with the process that held it."""

import os
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from common.processes import identity, identity_of_child, is_dead
from syncs.engine import renewal
from syncs.engine.lease import ENDED, LAST_WORDS, Lease
from syncs.engine.renewal import Keeper, Kept, renew
from syncs.errors import LeaseLost, RunTooLong
from syncs.models import Destination
from syncs.runs.aftermath import end_leases_of, ring_for_the_dead
from tests.patience import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def destination(name: str = "one") -> Destination:
    return Destination.objects.create(base_url="https://devin.example", org_id=f"org-{name}")


def try_to_acquire(place: Destination) -> Lease | None:
    with transaction.atomic():
        return Lease.acquire(place, uuid4())


def acquire(place: Destination) -> Lease:
    lease = try_to_acquire(place)
    assert lease is not None
    return lease


def expire(place: Destination) -> None:
    Destination.objects.filter(pk=place.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


def waits_of(lease: Lease) -> list[float]:
    waits: list[float] = []
    lease.quarantine(waits.append)
    return waits


# Renewing


def test_many_leases_are_renewed_by_one_statement() -> None:
    leases = [acquire(destination(str(number))) for number in range(20)]
    before = moments()

    with CaptureQueriesContext(connection) as captured:
        renew(list(leases), leases[0].length)

    assert len(captured) == 1
    assert min(moments()) >= max(before)


def moments() -> list[datetime]:
    return [moment for moment in Destination.objects.values_list("lease_expires_at", flat=True) if moment]


def test_of_many_the_one_that_was_taken_over_is_lost_at_once() -> None:
    places = [destination(str(number)) for number in range(3)]
    leases = [acquire(place) for place in places]
    expire(places[1])
    acquire(places[1])

    renew(list(leases), leases[0].length)

    for lease, is_held in zip(leases, (True, False, True), strict=True):
        if is_held:
            lease.check()
        else:
            with pytest.raises(LeaseLost):
                lease.check()


def test_a_run_that_lasts_keeps_its_lease(settings: LazySettings) -> None:
    settings.SYNC_LEASE_RENEWAL = timedelta(seconds=0.05)
    place = destination()
    with acquire(place) as lease:
        before = moments()
        wait_until(lambda: moments() > before)
        valid_until = lease.valid_until
        wait_until(lambda: lease.valid_until > valid_until)
        assert try_to_acquire(place) is None
        lease.confirm()

    assert try_to_acquire(place) is not None


def test_a_run_leaves_once_no_renewal_has_its_lease_in_hand(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SYNC_LEASE_RENEWAL = timedelta(0)
    began, may_end, order = threading.Event(), threading.Event(), []

    def slow(leases: list[Kept], length: timedelta) -> None:
        began.set()
        may_end.wait(PATIENCE)
        order.append("renewed")

    def leave() -> None:
        keeper.leave(lease)
        order.append("left")

    monkeypatch.setattr(renewal, "renew", slow)
    keeper, lease = Keeper(), acquire(destination())
    keeper.keep(lease)
    assert began.wait(PATIENCE)
    leaving = threading.Thread(target=leave)
    leaving.start()
    wait_until(lambda: lease not in keeper._leases)
    may_end.set()
    leaving.join(PATIENCE)

    assert order == ["renewed", "left"]


def test_renews_again_after_a_renewal_that_broke(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SYNC_LEASE_RENEWAL = timedelta(0)
    keeper, told = Keeper(), []

    def broken(leases: list[Kept], length: timedelta) -> None:
        told.append(len(leases))
        raise LookupError

    monkeypatch.setattr(renewal, "renew", broken)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    for number in range(2):
        lease = acquire(destination(str(number)))
        keeper.keep(lease)
        wait_until(lambda: not keeper._is_running)
        keeper.leave(lease)

    assert len(told) == 2


def test_a_run_that_hangs_keeps_its_organization_no_longer_than_a_run_may_take(settings: LazySettings) -> None:
    settings.SYNC_LEASE, settings.SYNC_LEASE_RENEWAL = timedelta(seconds=0.3), timedelta(seconds=0.05)
    settings.SYNC_LONGEST_RUN = timedelta(0)
    place = destination()
    with acquire(place) as lease:
        with pytest.raises(RunTooLong):
            lease.check()
        wait_until(lambda: try_to_acquire(place) is not None)


def test_a_write_that_could_outlast_the_lease_is_not_begun(settings: LazySettings) -> None:
    settings.SYNC_LEASE = settings.DEVIN_WRITE_DEADLINE - timedelta(seconds=1)

    with pytest.raises(LeaseLost):
        acquire(destination()).check()


# Taking over


def test_whoever_takes_over_waits_for_a_writes_deadline(settings: LazySettings) -> None:
    place = destination()
    acquire(place)
    expire(place)

    assert waits_of(acquire(place)) == [settings.DEVIN_REQUEST_DEADLINE.total_seconds()]


def test_whoever_follows_one_that_was_seen_to_end_waits_a_moment() -> None:
    place = destination()
    acquire(place)
    end_leases_of(identity())

    assert Destination.objects.get().lease_holder == ENDED
    assert waits_of(acquire(place)) == [LAST_WORDS.total_seconds()]


def test_whoever_follows_one_that_let_go_waits_not_at_all() -> None:
    place = destination()
    acquire(place).release()

    assert waits_of(acquire(place)) == []


# Who is dead


def test_a_process_that_is_gone_is_dead_and_no_other(rung: list[str]) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    who = identity_of_child(process.pid)
    assert not is_dead(who)
    process.kill()
    process.wait()

    assert is_dead(who)
    assert not is_dead(identity())
    assert not is_dead("")
    assert not is_dead("ended")
    machine, number, started = who.split("-")
    assert is_dead(f"{machine}-{os.getpid()}-{started}1"), "its number has gone to another process"
    assert not is_dead(f"another-{number}-{started}"), "nothing is known of other machines"


def test_a_start_ends_the_leases_of_the_dead_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def ring(run_id: object, project_id: object) -> bool:
        told.append(run_id)
        return True

    monkeypatch.setattr("syncs.runs.aftermath.ring", ring)
    process = subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.PIPE)
    who = identity_of_child(process.pid)
    process.wait()
    places = [destination(name) for name in ("dead", "alive", "elsewhere")]
    leases = [acquire(place) for place in places]
    suffix = leases[0].holder.rpartition("-")[2]
    Destination.objects.filter(pk=places[0].pk).update(lease_holder=f"{who}-{suffix}")
    Destination.objects.filter(pk=places[2].pk).update(lease_holder=f"othermachi-1-2-{suffix}")

    ring_for_the_dead()

    assert told == [leases[0].run_id]
    assert try_to_acquire(places[0]) is not None
    assert try_to_acquire(places[1]) is None
    assert try_to_acquire(places[2]) is None
