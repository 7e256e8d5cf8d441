"""The command, as a process of its own."""

import signal
import socket
import subprocess
import sys

from tests.patience import PATIENCE
from tests.sandbox.caller import Caller


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_prints_where_it_listens_and_ends_on_sigterm() -> None:
    process = start("--port", "0", "--duplicates", "allow", "--organization", "org-b", "--key", "cog_b=org-b")
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        caller = Caller(line.removeprefix("sandbox listening on ").strip(), token="cog_b")
        status = caller.create("K", "canary-value", org="org-b").status
        caller.close()
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=PATIENCE)

    assert line.startswith("sandbox listening on http://127.0.0.1:")
    assert (status, process.returncode, rest, errors) == (200, 0, "", "")


def test_says_in_one_line_that_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, start("--port", str(other.getsockname()[1])) as process:
        _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert errors.count("\n") == 1
    assert "Address already in use" in errors
