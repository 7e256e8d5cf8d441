"""Nobody waits behind all of another's runs: projects take turns, and a large sync takes one thread."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import django_rq
import pytest
import redis
from django.test import Client
from django.urls import reverse

from launcher.processes import kill_session
from sandbox.faults import Rule
from sandbox.server import Sandbox
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncControl, SyncRun
from syncs.runs import aftermath, queue, schedule
from syncs.runs.ask import request_run
from syncs.runs.ask_many import request_runs
from syncs.runs.bells import Bells
from tests.linux import needs_proc
from tests.patience import wait_until
from tests.syncs.conftest import Bench
from tests.syncs.torture.programs import start_program
from tests.syncs.torture.theatre import Scene, set_scene


def ids(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]


@pytest.fixture
def valkey(queue_server: str) -> redis.Redis:
    valkey = redis.Redis.from_url(queue_server)
    valkey.flushall()
    return valkey


@pytest.fixture
def bells(valkey: redis.Redis) -> Bells:
    return Bells(django_rq.get_queue(queue.QUEUE), "worker")


def ring(valkey: redis.Redis, project: UUID, run_ids: Sequence[UUID]) -> None:
    for run_id in run_ids:
        queue.place_bell(valkey, run_id, project)


def heard(bells: Bells, count: int) -> list[UUID]:
    return [run_id for run_id in (bells.next(0) for _ in range(count)) if run_id is not None]


# The order in which bells are heard


@pytest.mark.parametrize("already_heard", [0, 1, 10, 999])
def test_after_a_thousand_of_one_project_anothers_first_is_the_next_but_one(
    valkey: redis.Redis, bells: Bells, already_heard: int
) -> None:
    burst, late = ids(1000), uuid4()
    ring(valkey, uuid4(), burst)
    assert heard(bells, already_heard) == burst[:already_heard]

    ring(valkey, uuid4(), [late])

    assert late in heard(bells, 2)


def test_projects_take_turns(valkey: redis.Redis, bells: Bells) -> None:
    of = {name: ids(count) for name, count in {"a": 5, "b": 3, "c": 1}.items()}
    for run_ids in of.values():
        ring(valkey, uuid4(), run_ids)
    names = {run_id: name for name, run_ids in of.items() for run_id in run_ids}

    order = [names[run_id] for run_id in heard(bells, 20)]

    turns = [order[:3], order[3:5], order[5:7], order[7:8], order[8:]]
    assert [sorted(turn) for turn in turns] == [["a", "b", "c"], ["a", "b"], ["a", "b"], ["a"], ["a"]]


def test_within_a_project_the_first_is_heard_first(valkey: redis.Redis, bells: Bells) -> None:
    ours, theirs = ids(50), ids(50)
    for number in range(50):
        ring(valkey, UUID(int=1), ours[number : number + 1])
        ring(valkey, UUID(int=2), theirs[number : number + 1])

    order = heard(bells, 100)

    assert [run_id for run_id in order if run_id in ours] == ours
    assert [run_id for run_id in order if run_id in theirs] == theirs


def test_who_was_quiet_has_saved_nothing_up(valkey: redis.Redis, bells: Bells) -> None:
    ring(valkey, uuid4(), ids(600))
    heard(bells, 500)
    late = ids(50)

    ring(valkey, uuid4(), late)

    for turn in range(1, 51):
        assert len(set(heard(bells, 2)) & set(late)) == 1, f"turn {turn}"


def test_many_projects_at_once_are_each_heard_before_any_a_second_time(valkey: redis.Redis, bells: Bells) -> None:
    of = {uuid4(): ids(20) for _ in range(50)}
    for project, run_ids in of.items():
        ring(valkey, project, run_ids)
    projects = {run_id: project for project, run_ids in of.items() for run_id in run_ids}

    for _ in range(20):
        assert {projects[run_id] for run_id in heard(bells, 50)} == set(of)


def test_a_bell_that_waits_keeps_its_turn(valkey: redis.Redis, bells: Bells) -> None:
    project, run_ids = uuid4(), ids(3)
    ring(valkey, project, run_ids)
    ring(valkey, project, run_ids[:1])

    assert heard(bells, 10) == run_ids


def test_turns_are_forgotten_once_every_bell_has_been_heard(valkey: redis.Redis, bells: Bells) -> None:
    for run_id in ids(30):
        ring(valkey, uuid4(), [run_id])
    heard(bells, 30)

    ring(valkey, uuid4(), ids(1))

    assert valkey.hlen(queue.TURNS) == 1


def test_a_queue_that_lost_its_turns_still_tells_of_every_bell(valkey: redis.Redis, bells: Bells) -> None:
    project, before, after = uuid4(), ids(5), ids(5)
    ring(valkey, project, before)
    valkey.delete(queue.TURNS)
    ring(valkey, project, after)

    assert sorted(heard(bells, 20)) == sorted([*before, *after])


# Whoever rings says for which project


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, object]]:
    bells: list[tuple[object, object]] = []

    def ring(run_id: object, project_id: object) -> bool:
        bells.append((run_id, project_id))
        return True

    for module in ("ask", "jobs", "schedule", "aftermath"):
        monkeypatch.setattr(f"syncs.runs.{module}.ring", ring)
    monkeypatch.setattr("syncs.admin.control.ring", ring)
    return bells


@pytest.fixture
def waiting(sync: DevinSync, told: list[tuple[object, object]]) -> SyncRun:
    run = request_run(sync, trigger=Trigger.MANUAL)
    told.clear()
    return run


@pytest.mark.django_db(transaction=True)
class TestWhose:
    def test_asked_for(self, sync: DevinSync, told: list[tuple[object, object]]) -> None:
        run = request_run(sync, trigger=Trigger.MANUAL)

        assert told == [(run.pk, sync.project_id)]

    def test_asked_for_among_others(self, sync: DevinSync, told: list[tuple[object, object]]) -> None:
        (run_id,) = request_runs([sync.pk], trigger=Trigger.CHANGE)

        assert told == [(run_id, sync.project_id)]

    def test_due(self, waiting: SyncRun, sync: DevinSync, told: list[tuple[object, object]]) -> None:
        schedule.tick()

        assert told == [(waiting.pk, sync.project_id)]

    def test_kept_waiting_by_another_of_its_organization(
        self, waiting: SyncRun, sync: DevinSync, other: Bench, told: list[tuple[object, object]]
    ) -> None:
        other.run()

        assert told[-1] == (waiting.pk, sync.project_id)

    def test_left_behind_by_a_dead_process(
        self, waiting: SyncRun, sync: DevinSync, told: list[tuple[object, object]]
    ) -> None:
        aftermath.ring_all([waiting.pk])

        assert told == [(waiting.pk, sync.project_id)]

    def test_when_all_syncs_go_on(
        self, waiting: SyncRun, sync: DevinSync, told: list[tuple[object, object]], admin_client: Client
    ) -> None:
        SyncControl.get()
        admin_client.post(reverse("admin:syncs_synccontrol_switch"), {"pause": "0"})

        assert told == [(waiting.pk, sync.project_id)]


# With a worker's process


@pytest.fixture
def start_worker(valkey: redis.Redis, queue_server: str, tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """One that carries so many runs at once."""
    started: list[subprocess.Popen[bytes]] = []

    def start(runs_at_once: int) -> None:
        variables = {"REDIS_URL": queue_server, "WORKER_RUNS": str(runs_at_once)}
        started.append(start_program("worker", log=tmp_path / "worker.log", **variables))

    yield start
    for process in started:
        kill_session(process.pid)
        process.wait()


def hold(sandbox: Sandbox, scene: Scene) -> Rule:
    return sandbox.faults.add("hold", method="POST", org=scene.sync.org_id)


def are_finished(scenes: Sequence[Scene]) -> bool:
    return not SyncRun.objects.filter(pk__in=[scene.run.pk for scene in scenes], finished_at=None).exists()


@needs_proc
@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_a_change_does_not_wait_behind_another_projects_burst(
    sandbox: Sandbox, valkey: redis.Redis, rung: list[str], start_worker: Callable[[int], None]
) -> None:
    first, late = (set_scene(sandbox) for _ in range(2))
    busy, changed = hold(sandbox, first), hold(sandbox, late)
    start_worker(1)
    ring(valkey, first.sync.project_id, [first.run.pk])
    wait_until(busy.reached.is_set)

    ring(valkey, first.sync.project_id, ids(1000))
    ring(valkey, late.sync.project_id, [late.run.pk])
    busy.release()
    wait_until(changed.reached.is_set)

    assert queue.count_bells(valkey) >= 999
    changed.release()
    wait_until(lambda: are_finished([first, late]))
    assert [*first.problems(), *late.problems()] == []


@needs_proc
@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_small_syncs_do_not_wait_for_a_large_one(
    sandbox: Sandbox, valkey: redis.Redis, rung: list[str], start_worker: Callable[[int], None]
) -> None:
    """It is still in its writes, however many those are, when all that were rung for after it have ended."""
    large, *small = (set_scene(sandbox) for _ in range(6))
    writing = hold(sandbox, large)
    start_worker(2)
    ring(valkey, large.sync.project_id, [large.run.pk])
    wait_until(writing.reached.is_set)

    ring(valkey, large.sync.project_id, [scene.run.pk for scene in small])

    wait_until(lambda: are_finished(small))
    assert SyncRun.objects.get(pk=large.run.pk).status == Status.RUNNING
    writing.release()
    wait_until(lambda: are_finished([large]))
    assert [problem for scene in [large, *small] for problem in scene.problems()] == []
