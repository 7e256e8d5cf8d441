"""The whole of it, as a person starts it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.launcher.conftest import end, is_alive, processes_using
from tests.linux import needs_proc
from tests.patience import PATIENCE, wait_until

pytestmark = needs_proc

Launch = Callable[..., "subprocess.Popen[str]"]


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def read_until(process: "subprocess.Popen[str]", text: str) -> str:
    """What it printed up to that line; the test fails if it ends or dawdles before."""
    assert process.stdout is not None
    patience = threading.Timer(PATIENCE, process.kill)
    patience.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            patience.cancel()
            return "".join(lines)
    raise AssertionError("".join(lines) + (process.stderr.read() if process.stderr else ""))


@pytest.mark.parametrize("variables", [{"PORT": "http"}, {"DATA_DIR": "/dev/null/var"}, {"HOST": "192.0.2.1"}])
def test_a_wrong_setting_is_one_line(launch: Launch, variables: dict[str, str]) -> None:
    process = launch("run", **variables)

    output, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert output == ""
    assert len(errors.splitlines()) == 1


def test_a_busy_port_is_one_line(launch: Launch, port: int, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", port)):
        process = launch("demo", "--once")
        _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    [line] = errors.splitlines()
    assert f"Port {port} on 127.0.0.1 can't be used" in line
    assert not data_dir.exists()


@pytest.mark.usefixtures("started_before")
def test_a_demo_reads_from_infisical_and_a_second_one_finds_it_elsewhere(launch: Launch, data_dir: Path) -> None:
    for told in ("5 created", "5 kept"):
        demo = launch("demo", "--once", "--source=infisical", "--fleet")
        output, errors = demo.communicate(timeout=PATIENCE)
        assert (demo.returncode, errors) == (0, "")
        assert told in output
        assert "The sandbox holds exactly these 5 secrets." in output
        assert "devin-sandbox-fleet reaches 12 organizations, each known by its name." in output
        assert "sk_test" not in output  # no value
    assert processes_using(data_dir) == []


@pytest.mark.usefixtures("started_before")
def test_a_demo_reads_from_openbao_and_a_second_one_finds_it_elsewhere(launch: Launch, data_dir: Path) -> None:
    for told in ("5 created", "5 kept"):
        demo = launch("demo", "--once", "--source=openbao")
        output, errors = demo.communicate(timeout=PATIENCE)
        assert (demo.returncode, errors) == (0, "")
        assert told in output
        assert "The sandbox holds exactly these 5 secrets." in output
        assert "sample-" not in output  # no value
    assert processes_using(data_dir) == []


def test_a_demo_shows_secrets_arrive_and_a_second_one_finds_them(launch: Launch, data_dir: Path) -> None:
    first = launch("demo", "--once")
    output, errors = first.communicate(timeout=PATIENCE)
    assert (first.returncode, errors) == (0, "")
    assert "Password, shown this once: " in output
    assert "STRIPE_API_KEY     Create  Done" in output
    assert "The sandbox holds exactly these 8 secrets." in output
    assert "sample-" not in output  # no value

    second = launch("demo", "--once")
    output, errors = second.communicate(timeout=PATIENCE)
    assert (second.returncode, errors) == (0, "")
    assert "Password" not in output
    assert "8 kept" in output
    assert processes_using(data_dir) == []
    assert keys_are_nowhere_but_in_their_file(data_dir)


def keys_are_nowhere_but_in_their_file(data_dir: Path) -> bool:
    lines = (data_dir / "secrets.env").read_text().splitlines()
    keys = [line.split("=", 1)[1].encode() for line in lines]
    logs = b"".join(path.read_bytes() for path in (data_dir / "logs").iterdir())
    return not any(key in logs for key in keys)


@pytest.mark.usefixtures("started_before")
def test_serves_and_replaces_a_killed_worker_until_ctrl_c(launch: Launch, port: int, data_dir: Path) -> None:
    process = launch("run", DJANGO_SUPERUSER_PASSWORD="given")
    output = read_until(process, "Ctrl-C")

    assert f"http://127.0.0.1:{port}/admin/" in output
    assert "given" not in output
    status, body = get(port, "/healthz")
    assert (status, json.loads(body)["status"]) == (200, "ok")
    status, body = get(port, "/readyz")
    assert (status, json.loads(body)) == (200, {"status": "ok", "database": "ok", "queue": "ok"})
    assert len(processes_using(data_dir)) >= 6  # launcher, Valkey, web, 2 workers, scheduler
    assert open_to_others(data_dir) == []

    workers = workers_of(data_dir)
    assert b"DJANGO_SUPERUSER_PASSWORD" not in Path(f"/proc/{workers[0]}/environ").read_bytes()
    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: len(set(workers_of(data_dir)) | set(workers)) == 3)

    _, errors = end(process, signal.SIGINT)
    assert process.returncode == 0
    [line] = errors.splitlines()
    assert "ended with status -9; starting it again in 1 s." in line
    # What the killed worker had started is not the launcher's to wait for; it notices by itself that its parent died.
    wait_until(lambda: not processes_using(data_dir))


@pytest.mark.usefixtures("started_before")
def test_a_killed_launcher_leaves_nothing_behind(launch: Launch, data_dir: Path) -> None:
    process = launch("demo")
    read_until(process, "Ctrl-C")
    children = processes_using(data_dir)

    process.kill()

    wait_until(lambda: not any(is_alive(child) for child in children))
    assert processes_using(data_dir) == []


def open_to_others(data_dir: Path) -> list[Path]:
    paths = [path for path in data_dir.iterdir() if path.name != "static"]  # what every browser gets
    return [path for top in paths for path in (top, *top.rglob("*")) if path.stat().st_mode & 0o077]


def workers_of(data_dir: Path) -> list[int]:
    def is_worker(process: int) -> bool:
        try:
            return b"worker" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False

    return [process for process in processes_using(data_dir) if is_worker(process)]


@pytest.mark.usefixtures("started_before")
def test_half_sent_requests_hold_up_nobody(launch: Launch, port: int) -> None:
    process = launch("run")
    read_until(process, "Ctrl-C")
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
    slow = [head] * 60 + [head + b"Content-Length: 100\r\n\r\nhalf"] * 60
    held = [socket.create_connection(("127.0.0.1", port)) for _ in slow]
    for connection, begun in zip(held, slow, strict=True):
        connection.sendall(begun)

    assert get(port, "/healthz")[0] == 200
    assert get(port, "/admin/login/")[0] == 200
    for connection in held:
        connection.close()
