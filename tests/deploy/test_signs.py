"""The programs as processes of a container or of systemd: each shows that it works, and ends when it is told to."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.processes import kill_session
from tests.deploy.dockerfile import ROOT
from tests.launcher.conftest import port
from tests.linux import needs_proc
from tests.patience import PATIENCE, wait_until
from tests.syncs.torture.programs import start_program

pytestmark = [pytest.mark.django_db(transaction=True), needs_proc]

__all__ = ["port"]


def check(variables: dict[str, str]) -> int:
    ended = subprocess.run(
        [sys.executable, "-m", "launcher.healthy"],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
    )
    return ended.returncode


@pytest.mark.parametrize("command", ["serve", "worker", "scheduler"])
def test_is_healthy_once_it_works_and_ends_when_told(
    command: str, port: int, tmp_path: Path, queue_server: str
) -> None:
    sign = {"PORT": str(port), "LIFE_SIGN": str(tmp_path / "alive"), "NOTIFY_SOCKET": str(tmp_path / "notify")}
    assert check(sign) == 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(sign["NOTIFY_SOCKET"])
        process = start_program(command, log=tmp_path / "log", REDIS_URL=queue_server, **sign)
        try:
            # Each look is a program: only once there is something to look at.
            wait_until(lambda: process.poll() is not None or (tmp_path / "alive").exists())
            wait_until(lambda: process.poll() is not None or check(sign) == 0)
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"

            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            kill_session(process.pid)
            process.wait()
