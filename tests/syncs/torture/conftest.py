"""Processes that end with the test."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from launcher.processes import kill_session
from tests.syncs.torture.programs import Start, start_program

QUICK = {"SYNC_RING_AGAIN_SECONDS": "1", "SCHEDULER_TICK_SECONDS": "0.2"}


@pytest.fixture
def start(queue_server: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a management command as a process in a session of its own, on this test's database and queue."""
    redis.Redis.from_url(queue_server).flushall()
    started: list[subprocess.Popen[bytes]] = []

    def start(command: str) -> "subprocess.Popen[bytes]":
        log = tmp_path / f"{command}-{len(started)}.log"
        process = start_program(command, log=log, **QUICK, REDIS_URL=queue_server)
        started.append(process)
        return process

    yield start
    for process in started:
        kill_session(process.pid)
        process.wait()
