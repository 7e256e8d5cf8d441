"""The doorbell: a job is a run's id and nothing else, and whatever else lies in the queue is not carried out."""

import json
import os
import pickle
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import django_rq
import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis.exceptions import ConnectionError as QueueIsAway
from rq.serializers import JSONSerializer

from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Status, Trigger
from syncs.models import SyncRun
from syncs.runs import queue, schedule
from syncs.runs.ask import request_run, ring_on_commit
from syncs.runs.bells import Bells, count_workers
from syncs.runs.queue import ForgedJob, NoJob
from tests.patience import PATIENCE
from tests.syncs.conftest import Bench
from tests.syncs.torture.programs import database_url

pytestmark = [pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[3]
RUN_ID = "7d0a3b52-3b1e-4c0e-9a55-2f7f0b1c8d11"
RUN_SYNC = "syncs.runs.jobs.run_sync"
BAIT = "tests.syncs.bait.bite"


@pytest.fixture
def valkey(queue_server: str) -> redis.Redis:
    valkey = redis.Redis.from_url(queue_server)
    valkey.flushall()
    return valkey


@pytest.fixture
def elsewhere() -> Iterator[Sandbox]:
    """Another host, which must hear nothing."""
    with Sandbox() as server:
        yield server


def test_a_worker_is_counted_again_after_the_queue_was_emptied(valkey: redis.Redis) -> None:
    bells = Bells(django_rq.get_queue("default"), "worker")
    bells.show_alive()
    assert count_workers(bells.queue) == 1

    valkey.flushall()
    bells._shown_at = float("-inf")
    bells.show_alive()

    assert count_workers(bells.queue) == 1


# Ringing


def test_a_bell_is_the_runs_id_and_nothing_else(bench: Bench, valkey: redis.Redis) -> None:
    bench.source(CANARY="canary-3e91")
    run = SyncRun.objects.get()

    assert queue.ring(run.pk, bench.sync.project_id)

    assert valkey.zrange(queue.BELLS, 0, -1) == [str(run.pk).encode()]
    assert valkey.hkeys(queue.TURNS) == [str(bench.sync.project_id).encode()]
    assert set(valkey.keys()) == {queue.BELLS.encode(), queue.TURNS.encode()}
    run.refresh_from_db()
    assert run.rung_at is not None
    assert b"canary" not in everything_in(valkey)


def test_only_the_scheduler_notes_when_it_rang(
    bench: Bench, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What asked for the run has ended its transaction, and writes no second time."""
    bench.source(A="1")
    for module in ("ask", "schedule"):
        monkeypatch.setattr(f"syncs.runs.{module}.ring", queue.ring)
    run = SyncRun.objects.get()
    with CaptureQueriesContext(connection) as queries:
        ring_on_commit(run.pk, bench.sync.project_id)
    assert [each["sql"] for each in queries] == []
    assert queue.count_bells(valkey) == 1

    assert schedule.tick() == 1

    run.refresh_from_db()
    assert run.rung_at is not None
    assert queue.count_bells(valkey) == 1
    assert schedule.tick() == 0


def test_a_run_has_one_bell_in_the_queue(bench: Bench, valkey: redis.Redis) -> None:
    bench.source(A="1")
    run = SyncRun.objects.get()

    for _ in range(3):
        assert queue.ring(run.pk)

    assert queue.count_bells(valkey) == 1


def everything_in(valkey: redis.Redis) -> bytes:
    """All that a thief of the queue's memory could read, unpacked."""
    found: list[bytes] = []
    for key in cast("list[bytes]", valkey.keys("*")):
        if valkey.type(key) == b"hash":
            for value in cast("dict[bytes, bytes]", valkey.hgetall(key)).values():
                found += [value, unpacked(value)]
        else:
            found.append(key)
    return b"\n".join(found)


def unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return b""


@pytest.mark.parametrize("error", [QueueIsAway("refused"), TimeoutError(), OSError("no such socket")])
def test_a_queue_that_is_away_is_said_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def get_connection(name: str) -> None:
        raise error

    monkeypatch.setattr(django_rq, "get_connection", get_connection)
    run = request_run(bench.sync, trigger=Trigger.MANUAL)

    assert not queue.ring(run.pk)

    run.refresh_from_db()
    assert (run.status, run.rung_at) == (Status.PENDING, None)
    assert f"run {run.pk} starts when it is back" in caplog.text


# What is carried out


def stored(data: object, **fields: str) -> dict[str, bytes]:
    """A job as it lies in the queue's memory."""
    packed = zlib.compress(data if isinstance(data, bytes) else json.dumps(data).encode())
    texts = {"status": "queued", "origin": queue.QUEUE, "timeout": "60", "created_at": "2026-01-01T00:00:00.000000Z"}
    return {"data": packed} | {name: text.encode() for name, text in (texts | fields).items()}


def put(valkey: redis.Redis, raw: Mapping[Any, bytes], job_id: str = "") -> None:
    job_id = job_id or str(uuid4())
    valkey.hset(f"rq:job:{job_id}", mapping=raw)
    valkey.sadd("rq:queues", f"rq:queue:{queue.QUEUE}")
    valkey.rpush(f"rq:queue:{queue.QUEUE}", job_id)


def hooked(run_id: object, elsewhere: Sandbox) -> dict[str, bytes]:
    """A job that names our function, with all that RQ would call besides."""
    hooks = [{"url": f"{elsewhere.url}/v3/self", "job_status": status} for status in ("finished", "failed")]
    names = dict.fromkeys(("success_callback_name", "failure_callback_name", "stopped_callback_name"), BAIT)
    return stored([RUN_SYNC, None, [str(run_id)], {}], webhooks=json.dumps(hooks), **names)


def test_callbacks_and_webhooks_are_dropped(valkey: redis.Redis, elsewhere: Sandbox) -> None:
    put(valkey, hooked(RUN_ID, elsewhere), "hooked")

    job = NoJob.fetch("hooked", connection=valkey, serializer=JSONSerializer)

    assert job.webhooks == []
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)


@pytest.mark.parametrize("data", [[BAIT, None, [], {}], [RUN_SYNC, None, [RUN_ID], {}], ["os.system", None, ["x"], {}]])
def test_no_job_opens(valkey: redis.Redis, data: list[object]) -> None:
    put(valkey, stored(data), "forged")

    job = NoJob.fetch("forged", connection=valkey, serializer=JSONSerializer)

    with pytest.raises(ForgedJob, match="none of DevinSync's"):
        _ = job.func_name


class Explosive:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def forgeries(trace: Path, elsewhere: Sandbox) -> list[dict[str, bytes]]:
    command = f"touch {trace}"
    callbacks = [{name: BAIT} for name in ("success_callback_name", "failure_callback_name", "stopped_callback_name")]
    return [
        stored(pickle.dumps(Explosive(command))),
        stored(pickle.dumps((RUN_SYNC, None, (Explosive(command),), {}))),
        stored(["os.system", None, [command], {}]),
        stored(["subprocess.check_call", None, [["touch", str(trace)]], {}]),
        stored(["builtins.eval", None, [f"open({str(trace)!r}, 'w')"], {}]),
        stored([BAIT, None, [], {}]),
        stored(["bite", "tests.syncs.bait.Bait", [], {}]),
        stored([BAIT, None, [RUN_ID], {}]),
        stored([RUN_SYNC, None, [command], {}]),
        stored([RUN_SYNC, None, [RUN_ID], {"callback": BAIT}]),
        stored(b"not json at all"),
        stored({"func": BAIT}),
        *(stored([RUN_SYNC, None, [str(uuid4())], {}], **callback) for callback in callbacks),
        stored([BAIT, None, [], {}], retries_left="3", retry_intervals="[0]", failure_callback_name=BAIT),
        stored([BAIT, None, [], {}], repeats_left="3", repeat_intervals="[0]"),
        stored([BAIT, None, [], {}], result=json.dumps({"py/object": BAIT}), meta="\x80\x04."),
        hooked(uuid4(), elsewhere),
        hooked("no run at all", elsewhere),
    ]


def test_forged_jobs_are_not_carried_out_and_do_not_stop_the_worker(
    bench: Bench,
    organization: SandboxOrganization,
    valkey: redis.Redis,
    elsewhere: Sandbox,
    tmp_path: Path,
) -> None:
    trace = tmp_path / "trace"
    bench.source(A="1")
    for raw in forgeries(trace, elsewhere):
        put(valkey, raw)
    for number, text in enumerate(FORGED_BELLS):
        valkey.zadd(queue.BELLS, {text: number})
    queue.ring(SyncRun.objects.get().pk, bench.sync.project_id)

    work_until_empty(str(trace), tmp_path / "worker.log")

    assert not trace.exists()
    assert not elsewhere.log.requests()
    assert organization.values() == {"A": "1"}
    assert SyncRun.objects.get().status == Status.SUCCEEDED
    assert queue.count_bells(valkey) == 0


# Nothing that can be called comes of any of them.
FORGED_BELLS = [
    b"",
    b"os.system",
    b"touch /tmp/x",
    f"run-{RUN_ID} and more".encode(),
    b"{}",
    b"9" * 100_000,
    b"\x80\x04\xff",
    str(uuid4()).encode(),
]


def work_until_empty(trace: str, log: Path) -> None:
    """A worker's process, on this test's database and queue."""
    environment = os.environ | {"DATABASE_URL": database_url(), "BAIT": trace}
    with log.open("wb") as out:
        command = [sys.executable, "manage.py", "worker", "--burst"]
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, timeout=PATIENCE, check=False
        )
    assert ended.returncode == 0, log.read_text()[-2000:]
