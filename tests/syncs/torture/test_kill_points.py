"""A worker killed anywhere leaves what the next one can bring to a good end.

The ordinary run takes a sample that is spread over all boundaries; `make torture` takes every one of them.
"""

import random
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from sandbox.organization import Duplicates
from sandbox.server import Sandbox
from syncs.choices import Approval
from syncs.models import DevinSync, PlanApproval
from syncs.runs import approving
from tests.syncs.torture.kill import in_a_worker
from tests.syncs.torture.theatre import (
    HAND_OVERS,
    MOST_FURTHER_RUNS,
    PLAYS,
    RENAMES,
    WRITES,
    Play,
    Scene,
    set_scene,
    wait_for_quiet,
    witnessed,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.usefixtures("rung", "no_pause"),
]
MODES = [Duplicates.REJECT_409, Duplicates.REJECT_422, Duplicates.ALLOW]
# Of the boundaries of a play with writes, in all modes together: each takes another third of them.
SAMPLE = 36


@pytest.fixture(params=MODES, ids=str)
def stage(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sandbox:
    sandbox.settings.duplicates = request.param
    return sandbox


@pytest.fixture(params=PLAYS, ids=str)
def play(request: pytest.FixtureRequest) -> Play:
    return PLAYS[request.param]


def count_boundaries(sandbox: Sandbox, play: Play) -> int:
    scene = set_scene(sandbox, play)
    with witnessed(scene):
        count = in_a_worker(scene)
    assert scene.problems() == []
    assert count is not None
    return count


def kill(sandbox: Sandbox, play: Play, kill_at: int) -> list[str]:
    """What does not hold after a kill at this boundary and at most two further runs."""
    scene = set_scene(sandbox, play)
    with witnessed(scene):
        in_a_worker(scene, kill_at=kill_at)
        wait_for_quiet(sandbox)
        further = scene.carry_out_again()
    problems = scene.problems()
    if further > MOST_FURTHER_RUNS:
        problems.append("two further runs were not enough")
    return [f"killed at {kill_at}: {problem}" for problem in problems]


def spread(count: int, size: int, *, offset: int = 0, step: int = 1) -> Iterator[int]:
    """One boundary of each of `size` equal parts, or of every `step`-th of them; chosen by a fixed seed."""
    chance = random.Random(20 + offset)
    for part in range(offset, size, step):
        low, high = part * count // size, (part + 1) * count // size
        yield chance.randint(low + 1, max(low + 1, high))


def test_converges_after_a_kill_at_a_sample_of_boundaries(stage: Sandbox, play: Play) -> None:
    count = count_boundaries(stage, play)
    size = SAMPLE if play is WRITES else SAMPLE // 2
    mode = MODES.index(stage.settings.duplicates)

    sample = spread(count, size, offset=mode, step=len(MODES))
    problems = [problem for at in sample for problem in kill(stage, play, at)]

    assert count > 100
    assert problems == []


@pytest.mark.torture
def test_converges_after_a_kill_at_every_boundary(stage: Sandbox, play: Play) -> None:
    count = count_boundaries(stage, play)

    problems = [problem for at in range(1, count + 1) for problem in kill(stage, play, at)]

    print(f"\nkill points survived: {count - len({p.split(':')[0] for p in problems})}/{count}")
    assert problems == []


@pytest.mark.parametrize(
    ("play", "summary"),
    [
        (WRITES, "3 created, 3 replaced, 2 deleted, 1 kept"),
        (RENAMES, "1 created, 4 renamed, 1 deleted"),
        (HAND_OVERS, "1 replaced, 2 handed over, 1 deleted, 1 kept"),
    ],
)
def test_the_scenes_are_what_they_say(sandbox: Sandbox, play: Play, summary: str) -> None:
    """The other tests would be empty without."""
    scene: Scene = set_scene(sandbox, play)

    scene.carry_out()

    scene.run.refresh_from_db()
    assert scene.run.summary == summary
    assert scene.problems() == []


@pytest.mark.parametrize("play", [WRITES, RENAMES], ids=["writes", "renames"])
def test_what_was_approved_is_finished_after_a_kill_and_nothing_besides(sandbox: Sandbox, play: Play) -> None:
    sandbox.settings.duplicates = Duplicates.REJECT_409

    def approved() -> Scene:
        scene = set_scene(sandbox, play)
        DevinSync.objects.filter(pk=scene.sync.pk).update(approval=Approval.WRITES)
        scene.carry_out()
        plan = PlanApproval.objects.get(pk=scene.run.pk)
        scene.run = approving.approve(plan.run, plan.digest, user=User.objects.get(), confirms=True)
        return scene

    User.objects.create_user("kim")
    count = in_a_worker(approved())
    assert count is not None
    for kill_at in spread(count, 8):
        scene = approved()
        in_a_worker(scene, kill_at=kill_at)
        wait_for_quiet(sandbox)
        scene.carry_out_again()
        assert scene.problems() == [], f"killed at {kill_at}"
