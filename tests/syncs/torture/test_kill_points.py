"""A worker killed anywhere leaves what the next one can bring to a good end.

The ordinary run takes a sample that is spread over all boundaries; `make torture` takes every one of them.
"""

import random
from collections.abc import Iterator

import pytest

from sandbox.organization import Duplicates
from sandbox.server import Sandbox
from tests.syncs.torture.kill import in_a_worker
from tests.syncs.torture.theatre import MOST_FURTHER_RUNS, Scene, set_scene, witnessed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.usefixtures("rung", "no_pause"),
]
MODES = [Duplicates.REJECT_409, Duplicates.REJECT_422, Duplicates.ALLOW]
SAMPLE = 24


@pytest.fixture(params=MODES, ids=str)
def stage(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sandbox:
    sandbox.settings.duplicates = request.param
    return sandbox


def count_boundaries(sandbox: Sandbox) -> int:
    scene = set_scene(sandbox)
    with witnessed(scene):
        count = in_a_worker(scene)
    assert scene.problems() == []
    assert count is not None
    return count


def play(sandbox: Sandbox, kill_at: int) -> list[str]:
    """What does not hold after a kill at this boundary and at most two further runs."""
    scene = set_scene(sandbox)
    with witnessed(scene):
        in_a_worker(scene, kill_at=kill_at)
        further = scene.carry_out_again()
    problems = scene.problems()
    if further > MOST_FURTHER_RUNS:
        problems.append("two further runs were not enough")
    return [f"killed at {kill_at}: {problem}" for problem in problems]


def spread(count: int, size: int) -> Iterator[int]:
    """One boundary of each of `size` equal parts, chosen by a fixed seed."""
    chance = random.Random(20)
    for part in range(size):
        low, high = part * count // size, (part + 1) * count // size
        yield chance.randint(low + 1, max(low + 1, high))


def test_converges_after_a_kill_at_a_sample_of_boundaries(stage: Sandbox) -> None:
    count = count_boundaries(stage)

    problems = [problem for at in spread(count, SAMPLE) for problem in play(stage, at)]

    assert count > 100
    assert problems == []


@pytest.mark.torture
def test_converges_after_a_kill_at_every_boundary(stage: Sandbox) -> None:
    count = count_boundaries(stage)

    problems = [problem for at in range(1, count + 1) for problem in play(stage, at)]

    print(f"\nkill points survived: {count - len({p.split(':')[0] for p in problems})}/{count}")
    assert problems == []


def test_the_scene_is_what_it_says(sandbox: Sandbox) -> None:
    """Three creates, three replaces, two deletes, one keep: the other tests would be empty without."""
    scene: Scene = set_scene(sandbox)

    scene.carry_out()

    scene.run.refresh_from_db()
    run = scene.run
    assert (run.created_count, run.replaced_count, run.deleted_count, run.kept_count) == (3, 3, 2, 1)
    assert scene.problems() == []
