"""Real workers and a real scheduler are killed by SIGKILL at several moments of rollouts, and started anew: every
organization converges, no wave is skipped or begins too early, and none is written to twice."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import LazySettings

from fleets.choices import RolloutState, StepState
from syncs.choices import Status
from syncs.models import SyncRun
from tests.actors import ANYBODY
from tests.fleets.waves.conftest import Fleet
from tests.fleets.waves.test_kills import problems
from tests.killed_programs import Programs
from tests.patience import PATIENCE, wait_until
from tests.syncs.torture.theatre import wait_for_quiet
from vault.editing import set_secret

pytestmark = [pytest.mark.torture, pytest.mark.postgresql]
QUICK = {
    "SYNC_RING_AGAIN_SECONDS": "1",
    "SCHEDULER_TICK_SECONDS": "0.2",
    "SYNC_LEASE_SECONDS": "6",
    "SYNC_LEASE_RENEWAL_SECONDS": "1",
    # A whole write has to fit into what is left of a lease.
    "DEVIN_WRITE_DEADLINE_SECONDS": "3",
    "SYNC_QUIET_SECONDS": "0",
    "SYNC_RETRY_BASE_SECONDS": "0.2",
}
# The request at which the process that carries runs is killed, and then its worker.
BY_THE_REQUEST = [
    ("GET", "beta", "before"),
    ("POST", "beta", "after"),
    ("POST", "alpha", "before"),
    ("GET", "delta", "answered"),
    ("POST", "gamma", "answered"),
    ("POST", "omega", "before"),
]
# Whose write is under way meanwhile, and what is killed.
WHILE_ONE_IS_HELD = [
    ("beta", ("scheduler",)),
    ("delta", ("scheduler",)),
    ("omega", ("scheduler",)),
    ("beta", ("worker", "scheduler")),
    ("gamma", ("worker", "scheduler")),
]


@pytest.fixture
def programs(queue_server: str, tmp_path: Path, settings: LazySettings) -> Iterator[Programs]:
    settings.SYNC_QUIET_TIME = timedelta(0)
    redis.Redis.from_url(queue_server).flushall()
    programs = Programs(tmp_path, **QUICK, REDIS_URL=queue_server)
    yield programs
    programs.end()


def wrong_now(fleet: Fleet) -> list[str]:
    """What must not be so at any moment: two runs of one organization at once, or a wave before the one before it."""
    runs = Counter(SyncRun.objects.filter(status=Status.RUNNING).values_list("org_id", flat=True))
    found = [f"{org_id} has {count} runs at once" for org_id, count in runs.items() if count > 1]
    steps = list(fleet.last.steps.values_list("wave", "state"))
    still_open = [wave for wave, state in steps if state in (StepState.WAITING, StepState.RUNNING)]
    begun = [wave for wave, state in steps if state != StepState.WAITING]
    if still_open and begun and max(begun) > min(still_open):
        found.append(f"wave {max(begun)} has begun and {min(still_open)} has not ended")
    return found


def survive(fleet: Fleet, programs: Programs, key: str, kill: Callable[[], None]) -> list[str]:
    """What does not hold of a rollout in which this is killed; `kill` comes back once it is."""
    fleet.sandbox.clear_traffic()
    seen: list[str] = []
    programs.keep("scheduler", "worker")
    set_secret(fleet.folder, key, "1", by=ANYBODY)
    rollout = fleet.last
    kill()
    wait_for_quiet(fleet.sandbox)
    programs.keep("scheduler", "worker")

    def is_done() -> bool:
        seen.extend(wrong_now(fleet))
        return fleet.last.state != RolloutState.RUNNING

    wait_until(is_done, pause=0.1)
    assert fleet.last.pk == rollout.pk, "another rollout has begun"
    return [f"{key}: {problem}" for problem in (*dict.fromkeys(seen), *problems(fleet, key))]


def test_real_programs_are_killed_in_the_middle_of_rollouts(fleet: Fleet, programs: Programs) -> None:
    found, began = [], time.monotonic()
    for number, (method, name, moment) in enumerate(BY_THE_REQUEST):

        def kill_its_sender(method: str = method, name: str = name, moment: str = moment) -> None:
            rule = fleet.sandbox.faults.add("signal", method=method, org=f"org-{name}", moment=moment)
            assert rule.reached.wait(PATIENCE)
            programs.kill("worker")

        found += survive(fleet, programs, f"SENT_{number}", kill_its_sender)
    for number, (name, killed) in enumerate(WHILE_ONE_IS_HELD):

        def kill_these(name: str = name, killed: tuple[str, ...] = killed) -> None:
            rule = fleet.sandbox.faults.add("hold", method="POST", org=f"org-{name}")
            assert rule.reached.wait(PATIENCE)
            programs.kill(*killed)
            rule.release()

        found += survive(fleet, programs, f"HELD_{number}", kill_these)
    count = len(BY_THE_REQUEST) + len(WHILE_ONE_IS_HELD)
    survived = count - len({problem.split(":")[0] for problem in found})
    print(f"\n{survived} of {count} rollouts survived, {programs.starts} starts, {time.monotonic() - began:.0f} s")
    assert found == []
