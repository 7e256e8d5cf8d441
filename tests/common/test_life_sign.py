"""A process that turns says so to whoever may start it anew, and to nobody who did not ask."""

import logging
import socket
import sys
import time
from pathlib import Path

import pytest
from django.conf import LazySettings

from common.life_sign import EVERY, LifeSign


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def sign(tmp_path: Path, settings: LazySettings) -> Path:
    settings.LIFE_SIGN = str(tmp_path / "alive")
    return tmp_path / "alive"


def test_names_the_command_and_the_time(sign: Path, clock: list[float]) -> None:
    LifeSign("worker").give()

    assert sign.read_text() == "worker 1000.0\n"
    assert [path.name for path in sign.parent.iterdir()] == ["alive"]


def test_writes_once_in_a_while_however_often_the_loop_turns(sign: Path, clock: list[float]) -> None:
    life_sign = LifeSign("scheduler")
    life_sign.give()
    sign.unlink()

    clock[0] += EVERY - 0.1
    life_sign.give()
    assert not sign.exists()

    clock[0] += 0.1
    life_sign.give()
    assert sign.read_text() == f"scheduler {1000.0 + EVERY}\n"


@pytest.mark.parametrize(
    "is_abstract",
    [False, pytest.param(True, marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has these."))],
)
def test_tells_systemd(
    is_abstract: bool, tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIFE_SIGN = ""
    address = f"@devinsync{tmp_path}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0", 1))
        monkeypatch.setenv("NOTIFY_SOCKET", address)

        LifeSign("worker").give()

        assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"


def test_says_once_that_it_could_not_and_goes_on(
    tmp_path: Path, settings: LazySettings, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    settings.LIFE_SIGN = str(tmp_path / "absent" / "alive")
    life_sign = LifeSign("worker")

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            life_sign.give()
            clock[0] += EVERY

    assert [record.getMessage() for record in caplog.records] == [
        "could not give a sign of life (No such file or directory)"
    ]


def test_does_nothing_unless_told(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.LIFE_SIGN = ""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.chdir(tmp_path)

    LifeSign("worker").give()

    assert list(tmp_path.iterdir()) == []
