"""Three hosts in network namespaces of their own: no organization is ever written by two at once.

What looks for such writes is proved by writers that do just that, in the ordinary run.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hosts import late
from benchmarks.network import reason_against
from sandbox.log import LoggedRequest, overlaps
from sandbox.server import Sandbox
from syncs.engine.notes import Tag
from tests.linux import needs_proc
from tests.patience import PATIENCE
from tests.sandbox.caller import Caller

ROOT = Path(__file__).resolve().parents[3]
ORG = "org-sandbox"


def write(peer: str, arrived: float, ended: float | None, **more: Any) -> LoggedRequest:
    usual: dict[str, Any] = dict.fromkeys(("caller", "key", "note", "secret_id"))
    usual |= {"seq": 1, "connection": 1, "method": "POST", "path": "/", "query": "", "org": ORG, "bytes": 1, "wall": 1}
    return LoggedRequest(**{**usual, "peer": peer, "arrived": arrived, "answered": ended, **more})


@pytest.mark.parametrize(
    ("writes", "count"),
    [
        pytest.param([write("a", 1, 2), write("b", 2, 3)], 0, id="one after the other"),
        pytest.param([write("a", 1, 3), write("b", 2, 4)], 1, id="the second before the first was answered"),
        pytest.param([write("b", 2, 4), write("a", 1, 3)], 1, id="whatever the order in the log"),
        pytest.param([write("a", 1, 9), write("a", 2, 3), write("b", 4, 5)], 1, id="a long one beside short ones"),
        pytest.param([write("a", 1, None), write("b", 9, 10)], 1, id="one that was never answered"),
        pytest.param([write("a", 1, None, committed=2), write("b", 3, 4)], 0, id="one that had done its work"),
        pytest.param([write("a", 1, 3), write("a", 2, 4)], 0, id="by one host"),
        pytest.param([write("a", 1, 3), write("b", 2, 4, org="org-other")], 0, id="to two organizations"),
        pytest.param([write("a", 1, 5), write("b", 2, 5), write("c", 3, 5)], 3, id="three at once"),
    ],
)
def test_writers_that_overlap_are_found(writes: list[LoggedRequest], count: int) -> None:
    assert len(overlaps(writes)) == count


def note(generation: int, sync: str = "0a1b2c3d") -> str:
    return str(Tag("1f2e3d4c", sync, generation, "n" * 22))


@pytest.mark.parametrize(
    ("notes", "count"),
    [
        ([note(1), note(1), note(2)], 0),
        ([note(1), note(2), note(1)], 1),
        ([note(2, "0a1b2c3d"), note(1, "ffffffff")], 0),
        ([note(2), None, "somebody's", note(1), note(1)], 2),
    ],
)
def test_writes_of_a_run_that_was_taken_over_are_found(notes: list[str | None], count: int) -> None:
    writes = [write("a", number, number, note=text) for number, text in enumerate(notes)]

    assert len(late(writes)) == count
    assert late([write("a", number, number, note=note(9 - number), method="DELETE") for number in range(3)]) == []


@needs_proc
def test_two_hosts_that_write_at_once_are_caught() -> None:
    """Real requests, from two addresses of this machine."""
    with Sandbox() as sandbox:
        rule = sandbox.faults.add("hold", method="POST")
        first = threading.Thread(target=create, args=(sandbox, "127.0.0.2", "A"))
        first.start()
        assert rule.reached.wait(PATIENCE)
        create(sandbox, "127.0.0.3", "B")
        sandbox.faults.release()
        first.join()
        create(sandbox, "127.0.0.2", "C")

        caught = [(one.peer, other.peer) for one, other in sandbox.log.overlapping_writers()]

    assert caught == [("127.0.0.2", "127.0.0.3")]


def create(sandbox: Sandbox, address: str, key: str) -> None:
    assert Caller(sandbox.url, address=address).create(key).status == 200


@pytest.mark.torture
def test_no_organization_is_written_by_two_hosts_at_once() -> None:
    printed = run_on_hosts("--only", "hosts", "--rounds", "20")

    assert "20 rounds" in printed
    assert "0 faults" in printed.splitlines()[-1]


@pytest.mark.torture
def test_nothing_is_lost_whatever_fails_under_load() -> None:
    """Queue, database, hosts, and a failover to the standby, while changes come in."""
    printed = run_on_hosts("--only", "outages", "--fleet", "60", "--organizations", "12", "--rate", "5")

    assert "0 faults" in printed


def run_on_hosts(*arguments: str) -> str:
    """What the benchmark printed, which found nothing wrong."""
    if reason := reason_against():
        pytest.skip(reason)
    environment = {name: text for name, text in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    command = (sys.executable, "-m", "benchmarks", *arguments)

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    print(f"\n{ended.stdout or ended.stderr}")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
