"""The server's own life: many clients at once, an end in the middle of things, a start from the command line."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sandbox.__main__ import build_sandbox, read_arguments
from sandbox.organization import Duplicates
from sandbox.peer import process_behind, send_signal
from sandbox.server import Sandbox
from tests.linux import needs_proc
from tests.patience import PATIENCE, wait_until
from tests.sandbox.caller import Caller


def test_a_silent_client_holds_up_nobody(sandbox: Sandbox, caller: Caller) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port)) as silent:
        silent.sendall(b"GET /v3/self HTTP/1.1\r\n")

        assert caller.page().status == 200


def test_an_end_waits_for_no_client(caller: Caller, sandbox: Sandbox) -> None:
    caller.page()
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as idle:
        idle.sendall(b"GET /style.css HTTP/1.1\r\n\r\n")
        assert idle.recv(1)
        sandbox.stop()

        while idle.recv(65536):
            pass
    caller.close()
    with pytest.raises(ConnectionRefusedError):
        caller.page()


@pytest.mark.parametrize("options", [{"kind": "hold"}, {"kind": "withhold"}, {"kind": "delay", "seconds": 3600}])
def test_an_end_lets_go_of_what_a_fault_holds(options: dict[str, object]) -> None:
    with Sandbox() as sandbox:
        rule = sandbox.faults.add(**options)  # type: ignore[arg-type]
        caller = Caller(sandbox.url)
        ended = threading.Event()

        def call() -> None:
            try:
                caller.page()
            except OSError:
                pass
            finally:
                ended.set()

        thread = threading.Thread(target=call)
        thread.start()
        assert rule.reached.wait(PATIENCE)

    assert ended.wait(PATIENCE)
    thread.join(PATIENCE)
    caller.close()


def test_is_quiet_once_nothing_is_under_way(sandbox: Sandbox, caller: Caller) -> None:
    rule = sandbox.faults.add("hold", moment="after")
    thread = threading.Thread(target=caller.page)
    thread.start()

    assert rule.reached.wait(PATIENCE)
    before = sandbox.is_quiet()
    rule.release()
    thread.join(PATIENCE)

    assert not before
    wait_until(sandbox.is_quiet)
    assert sandbox.log.requests()[0].status == 200


def test_stopping_twice_or_before_a_start_is_no_error() -> None:
    sandbox = Sandbox()
    sandbox.stop()
    sandbox.stop()

    with pytest.raises(RuntimeError, match="not started"):
        assert sandbox.port


def test_two_sandboxes_know_nothing_of_each_other() -> None:
    with Sandbox() as one, Sandbox() as other:
        one.organization().put(key="A")

        assert one.port != other.port
        assert other.organization().secrets() == []


def test_listens_on_ipv6_too() -> None:
    try:
        sandbox = Sandbox(host="::1")
        sandbox.start()
    except OSError:
        pytest.skip("this machine has no IPv6")
    try:
        caller = Caller(sandbox.url)
        assert sandbox.url == f"http://[::1]:{sandbox.port}"
        assert caller.page().status == 200
        assert caller.send("GET", "/_sandbox/log").status == 200
        caller.close()
    finally:
        sandbox.stop()


def test_serves_more_clients_at_once_than_a_client_may_open(sandbox: Sandbox) -> None:
    callers = [Caller(sandbox.url) for _ in range(64)]
    statuses: list[int] = []

    def create(number: int, caller: Caller) -> None:
        statuses.append(caller.create(f"K{number}").status)
        caller.close()

    threads = [threading.Thread(target=create, args=pair) for pair in enumerate(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 64
    assert len(sandbox.organization().secrets()) == 64


def test_unknown_organizations_are_an_error_in_python_too(sandbox: Sandbox) -> None:
    with pytest.raises(LookupError, match="declare it first"):
        sandbox.organization("org-none")


def test_a_reset_returns_to_the_settings_of_the_start() -> None:
    arguments = read_arguments(["--port", "0", "--latency-ms", "5", "--duplicates", "allow"])
    sandbox = build_sandbox(arguments)
    sandbox.settings.latency, sandbox.settings.duplicates, sandbox.settings.page_size = 0.0, Duplicates.OVERWRITE, 3

    sandbox.reset()

    assert (sandbox.settings.latency, sandbox.settings.duplicates) == (0.005, Duplicates.ALLOW)
    assert sandbox.settings.page_size is None


def test_the_command_line_declares_organizations_keys_and_limits(tmp_path: Path) -> None:
    data = tmp_path / "sandbox.jsonl"
    words = "--port 0 --organization org-a --organization org-b --key cog_a=org-a --key cog_all=* --rate-per-minute 9"
    sandbox = build_sandbox(read_arguments([*words.split(), "--data", str(data)]))
    one, all_of_them = sandbox.directory.key_for("cog_a"), sandbox.directory.key_for("cog_all")
    sandbox.stop()

    assert [organization.org_id for organization in sandbox.directory.organizations()] == [
        *("org-sandbox", "org-a", "org-b")
    ]
    assert one is not None
    assert all_of_them is not None
    assert [one.reaches("org-a"), one.reaches("org-b"), all_of_them.reaches("org-b")] == [True, False, True]
    assert sandbox.settings.rate_per_minute == 9
    assert data.exists()


WRONG = [
    pytest.param(["--port", "x"], id="a port that is no number"),
    pytest.param(["--port", "0", "--duplicates", "maybe"], id="no such way with duplicates"),
    pytest.param([], id="no port"),
]


@pytest.mark.parametrize("words", WRONG)
def test_the_command_line_is_explained(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        read_arguments(words)

    assert caught.value.code == 2
    assert "usage: python -m sandbox" in capsys.readouterr().err


@needs_proc
def test_finds_the_process_at_the_other_end() -> None:
    code = "import socket, sys; sock = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); input()"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with subprocess.Popen([sys.executable, "-c", code, port], stdin=subprocess.PIPE) as client:
            sock, _ = listener.accept()
            with sock:
                found = process_behind(sock)
            client.kill()

    assert found == client.pid


def test_a_signal_to_a_process_that_is_gone_is_no_error(sandbox: Sandbox) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    with socket.create_connection(("127.0.0.1", sandbox.port)) as sock:
        send_signal(sock, int(gone.stdout), "SIGKILL")


def test_no_signal_reaches_everybody_the_first_process_or_itself(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "kill", lambda *arguments: sent.append(arguments))
    with socket.create_connection(("127.0.0.1", sandbox.port)) as sock:
        for pid in (0, 1, os.getpid()):
            send_signal(sock, pid, "SIGKILL")

    assert sent == []
