"""A worker that is stopped in the middle of a write, and wakes when another has taken its place.

Devin cannot check a fencing number, so a write that is already on its way cannot be called back; but there is at most
one, and the next run repairs what it did. The ordinary run takes a few writes; `make torture` takes every one.
"""

import os
import signal
import time

import pytest
from django.conf import settings
from django.db import transaction

from sandbox.organization import Duplicates
from sandbox.server import Sandbox
from syncs.choices import Trigger
from syncs.runs.ask import request_run
from tests.patience import PATIENCE
from tests.syncs.torture.kill import ForkedWorker
from tests.syncs.torture.theatre import PLAYS, RENAMES, WRITES, Play, Scene, set_scene, wait_for_quiet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]

MODES = [Duplicates.REJECT_409, Duplicates.ALLOW]


def count_writes(sandbox: Sandbox, play: Play) -> int:
    scene = set_scene(sandbox, play)
    sandbox.clear_traffic()
    scene.carry_out()
    return len(sandbox.log.writes())


def pause(sandbox: Sandbox, play: Play, write: int, moment: str) -> list[str]:
    """What does not hold when the worker sleeps at this write until another worker has done its run."""
    scene = set_scene(sandbox, play)
    sandbox.clear_traffic()
    rule = sandbox.faults.add("hold", request=write + 1, moment=moment)
    worker = ForkedWorker.start(scene)
    try:
        assert rule.reached.wait(PATIENCE)
        stop(worker)
        rule.release()
        wait_for_quiet(sandbox)
        take_over(scene)
        worker.slept.add(2 * settings.SYNC_LEASE)
        woken = time.monotonic()
    finally:
        worker.signal(signal.SIGCONT)
        worker.wait()
    stale = [entry for entry in sandbox.log.writes() if entry.arrived > woken]
    repair(scene)
    problems = scene.problems()
    if len(stale) > 1:
        problems.append(f"{len(stale)} stale writes")
    return [f"stopped {moment} write {write}: {problem}" for problem in problems]


@transaction.atomic
def stop(worker: ForkedWorker) -> None:
    """Stops it while it holds no lock on the database: we do. (One that sleeps with SQLite's lock stops everybody.)"""
    worker.signal(signal.SIGSTOP)
    os.waitpid(worker.pid, os.WUNTRACED)


def take_over(scene: Scene) -> None:
    """Once the lease has expired, another worker does the run."""
    scene.let_lease_expire()
    scene.carry_out()
    scene.run.refresh_from_db()
    assert scene.run.is_finished


def repair(scene: Scene) -> None:
    """The run after that, as the schedule starts it."""
    scene.run = request_run(scene.sync, trigger=Trigger.SCHEDULE)
    type(scene.run).objects.filter(pk=scene.run.pk).update(not_before=None)
    scene.carry_out()


@pytest.mark.parametrize(
    ("mode", "write", "moment"),
    [
        (Duplicates.REJECT_409, 2, "before"),
        (Duplicates.REJECT_409, 6, "after"),
        (Duplicates.REJECT_409, 9, "before"),
        (Duplicates.ALLOW, 5, "after"),
        (Duplicates.ALLOW, 11, "before"),
    ],
)
def test_a_woken_worker_makes_at_most_one_stale_write(
    sandbox: Sandbox, mode: Duplicates, write: int, moment: str
) -> None:
    sandbox.settings.duplicates = mode

    assert pause(sandbox, WRITES, write, moment) == []


@pytest.mark.parametrize(("write", "moment"), [(2, "after"), (5, "before"), (7, "after")])
def test_so_it_does_in_the_middle_of_a_rename(sandbox: Sandbox, write: int, moment: str) -> None:
    assert pause(sandbox, RENAMES, write, moment) == []


@pytest.mark.torture
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
def test_a_worker_may_be_stopped_at_every_write(sandbox: Sandbox, mode: Duplicates, play: Play) -> None:
    sandbox.settings.duplicates = mode
    writes = count_writes(sandbox, play)
    points = [(write, moment) for write in range(1, writes + 1) for moment in ("before", "after")]

    problems = [problem for write, moment in points for problem in pause(sandbox, play, write, moment)]

    print(f"\npauses survived: {len(points) - len({p.split(':')[0] for p in problems})}/{len(points)}")
    assert problems == []


def test_a_taken_over_run_counts_a_further_attempt(sandbox: Sandbox) -> None:
    scene = set_scene(sandbox)
    worker = ForkedWorker.start(scene, kill_at=60)
    worker.wait()
    wait_for_quiet(sandbox)

    take_over(scene)

    assert scene.run.attempt == 2
    assert scene.problems() == []
