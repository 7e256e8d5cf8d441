"""Who leads a rollout waits for the lock of its set and for that of the rollout, each held alone by another connection,
and goes by what that one has left."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from fleets.choices import RolloutState, StepState
from fleets.models import Rollout, SyncSet
from fleets.waves import conductor
from syncs.models import DevinSync, SyncRun
from syncs.runs import waves
from tests.actors import ANYBODY
from tests.fleets.waves.conftest import Fleet
from tests.patience import PATIENCE, wait_until
from vault.editing import set_secret

pytestmark = [pytest.mark.postgresql, pytest.mark.skipif("connection.vendor != 'postgresql'")]

HELD: dict[str, Callable[[Fleet], Any]] = {
    "the set": lambda fleet: SyncSet.objects.select_for_update().get(pk=fleet.set.pk),
    "the rollout": lambda fleet: Rollout.objects.select_for_update().get(pk=fleet.last.pk),
    "the syncs": lambda fleet: list(DevinSync.objects.select_for_update().order_by("pk")),
}


@pytest.fixture
def due(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The canary has a change, and nobody has given the next wave its turn yet."""
    monkeypatch.setattr(waves, "_conductor", [waves.leave_alone])
    set_secret(fleet.folder, "NEW", "1", by=ANYBODY)
    conductor.tend(fleet.set.pk)
    assert fleet.carry_out() == ["beta"]
    return fleet


class Beside(threading.Thread):
    """Does something by a connection of its own."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self._call, self.problem = call, ""
        self.pid = 0

    def run(self) -> None:
        try:
            connection.ensure_connection()
            self.pid = connection.connection.info.backend_pid
            self._call()
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"
        finally:
            connections.close_all()

    def waits_for_a_lock(self) -> bool:
        with connection.cursor() as cursor:
            # Within a transaction the server tells the same again and again.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [self.pid])
            return bool((cursor.fetchone() or [False])[0])

    def come_to_a_lock(self) -> bool:
        """Whether it does, or is done without one."""
        self.start()
        wait_until(lambda: self.waits_for_a_lock() or not self.is_alive())
        assert self.problem == ""
        return self.is_alive()

    def end(self) -> None:
        self.join(PATIENCE)
        assert (self.is_alive(), self.problem) == (False, "")


@pytest.mark.parametrize("name", HELD)
def test_who_leads_waits_for_each_lock_alone(due: Fleet, name: str) -> None:
    leading = Beside(lambda: conductor.tend(due.set.pk))
    with transaction.atomic():
        HELD[name](due)
        assert leading.come_to_a_lock()
        assert not SyncRun.objects.pending().exists()
    leading.end()

    assert set(SyncRun.objects.pending().values_list("org_id", flat=True)) == {"org-alpha", "org-delta"}


def test_who_leads_goes_by_what_was_committed_meanwhile(due: Fleet) -> None:
    """A person's word comes between the end of a wave and the turn of the next one."""
    leading = Beside(lambda: conductor.tend(due.set.pk))
    with transaction.atomic():
        conductor.stop(due.last.pk, by="ana")
        assert leading.come_to_a_lock()
    leading.end()

    assert due.last.state == RolloutState.STOPPED
    assert not SyncRun.objects.pending().exists()
    assert due.steps() == {"beta": StepState.DONE} | dict.fromkeys(
        ("alpha", "delta", "gamma", "omega"), StepState.WAITING
    )


def test_the_state_of_a_rollout_alone_is_read_under_its_lock(due: Fleet) -> None:
    leading = Beside(lambda: conductor.tend(due.set.pk))
    with transaction.atomic():
        HELD["the rollout"](due)
        Rollout.objects.filter(pk=due.last.pk).update(state=RolloutState.STOPPED)
        assert leading.come_to_a_lock()
    leading.end()

    assert not SyncRun.objects.pending().exists()


def test_of_two_words_at_once_the_second_hears_of_the_first(due: Fleet) -> None:
    rollout_id = due.last.pk
    saying = Beside(lambda: conductor.end(rollout_id, by="ben"))
    with transaction.atomic():
        conductor.all_now(due.set.pk)
        assert saying.come_to_a_lock()
    saying.end()

    assert due.last.state == RolloutState.ENDED
    assert not SyncRun.objects.pending().exists(), "what all-now had released is taken back"
