"""Whoever leads a rollout is killed at many points of it: every organization converges, no wave is skipped, and none is
written to twice. Two who lead at once lead like one.

The ordinary run takes a few points; `make torture` forty of them.
"""

import threading
from collections import Counter

import pytest
from django.db import connections

from fleets.choices import RolloutState, StepState
from fleets.waves.companion import tend_all
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs import waves
from tests.actors import ANYBODY
from tests.fleets.waves.conftest import NAMES, Fleet
from tests.patience import PATIENCE
from tests.syncs.torture.kill import in_a_worker
from tests.syncs.torture.test_kill_points import spread
from tests.syncs.torture.theatre import wait_for_quiet
from vault.editing import set_secret

pytestmark = [pytest.mark.postgresql]
WAVE_OF = {"beta": 0, "alpha": 1, "delta": 1, "gamma": 2, "omega": 2}


class Leading:
    """A change, and everything that follows of it, in one process."""

    def __init__(self, fleet: Fleet, key: str) -> None:
        self.fleet, self.key = fleet, key

    def carry_out(self) -> None:
        set_secret(self.fleet.folder, self.key, "1", by=ANYBODY)
        tend_all()
        self.fleet.carry_out()


def go_on(fleet: Fleet, key: str) -> None:
    """As others do, once they have found out; the change is made if it was not."""
    set_secret(fleet.folder, key, "1", by=ANYBODY)
    tend_all()
    fleet.carry_out_after_a_crash()


def problems(fleet: Fleet, key: str) -> list[str]:
    found = []
    if fleet.values(key) != dict.fromkeys(NAMES, "1"):
        found.append(f"only {sorted(fleet.values(key))} have it")
    if fleet.last.state != RolloutState.DONE or set(fleet.steps().values()) != {StepState.DONE}:
        found.append(f"the rollout is {fleet.last.state}: {fleet.steps()}")
    written = [(entry.org or "").removeprefix("org-") for entry in fleet.sandbox.log.requests("POST")]
    if [WAVE_OF[name] for name in written] != sorted(WAVE_OF[name] for name in written):
        found.append(f"written in the order of {written}")
    if set(Counter(written).values()) != {1}:
        found.append(f"written more than once: {written}")
    if DevinSync.objects.exclude(asks_for_wave="").exists():
        found.append("somebody asks still")
    left = SyncRun.objects.exclude(status__in=(Status.SUCCEEDED, Status.CANCELLED)).values_list("sync_name", "status")
    return found + [f"a run is left: {row}" for row in left]


def survive(fleet: Fleet, *, points: int) -> tuple[int, list[str]]:
    """How many boundaries there are, and what does not hold after kills at some of them."""
    count = in_a_worker(Leading(fleet, "KEY_0"))
    assert (problems(fleet, "KEY_0"), count is not None) == ([], True)
    found = []
    for number, point in enumerate(spread(count or 0, points), start=1):
        fleet.sandbox.clear_traffic()
        in_a_worker(Leading(fleet, f"KEY_{number}"), kill_at=point)
        wait_for_quiet(fleet.sandbox)
        go_on(fleet, f"KEY_{number}")
        found += [f"killed at {point}: {problem}" for problem in problems(fleet, f"KEY_{number}")]
    return count or 0, found


def test_a_rollout_survives_kills(fleet: Fleet) -> None:
    count, found = survive(fleet, points=5)

    assert count > 200
    assert found == []


@pytest.mark.torture
def test_a_rollout_survives_a_kill_at_forty_points(fleet: Fleet) -> None:
    count, found = survive(fleet, points=40)

    print(f"\n40 of {count} boundaries; survived: {40 - len({problem.split(':')[0] for problem in found})}")
    assert found == []


def at_once(*calls: "threading.Thread") -> None:
    for call in calls:
        call.start()
    for call in calls:
        call.join(PATIENCE)
        assert not call.is_alive()


def test_two_who_lead_at_once_lead_like_one(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "_conductor", [waves.leave_alone])
    set_secret(fleet.folder, "NEW", "1", by=ANYBODY)
    expected = [["beta"], ["alpha", "delta"], ["gamma", "omega"]]
    gate = threading.Barrier(4)

    def lead() -> None:
        try:
            gate.wait(PATIENCE)
            tend_all()
        finally:
            connections.close_all()

    for wave in expected:
        at_once(*(threading.Thread(target=lead) for _ in range(4)))
        rows = SyncRun.objects.pending().order_by("org_id").values_list("org_id", "trigger", "trigger_count")
        assert list(rows) == [(f"org-{name}", Trigger.ROLLOUT, 1) for name in wave]
        assert sorted(fleet.carry_out()) == wave
    tend_all()
    assert fleet.last.state == RolloutState.DONE


def test_changes_and_those_who_lead_do_not_wait_crosswise(fleet: Fleet) -> None:
    """The vault's change locks syncs, the one who leads the set and then syncs, both by their ids."""
    failed: list[str] = []

    def change() -> None:
        try:
            for number in range(8):
                set_secret(fleet.folder, "NEW", str(number), by=ANYBODY)
        except Exception as error:
            failed.append(f"change: {error}")
        finally:
            connections.close_all()

    def lead() -> None:
        try:
            for _ in range(12):
                tend_all()
        except Exception as error:
            failed.append(f"lead: {error}")
        finally:
            connections.close_all()

    at_once(*(threading.Thread(target=call) for call in (change, lead, lead)))
    tend_all()
    fleet.carry_out()

    assert failed == []
    assert fleet.values("NEW") == dict.fromkeys(NAMES, "7")
    assert fleet.last.state == RolloutState.DONE
