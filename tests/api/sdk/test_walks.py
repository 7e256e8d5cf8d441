"""Infisical's official clients work unchanged against a live server, and `docs/api.md` tells what each of them did."""

import subprocess
from pathlib import Path

import pytest

from tests.api.sdk.conftest import LOCKS, client_of
from tests.api.sdk.operations import documented, operations_in
from tests.environments import node_with, python_with
from tests.patience import PATIENCE

WALKS = Path(__file__).parent / "walks"
PYTHON = ("infisicalsdk", "infisicalsdk_1_0_3", "infisical_python")
NODE = ("infisical_sdk", "infisical_sdk_3", "infisical_mcp")

pytestmark = [pytest.mark.sdk, pytest.mark.usefixtures("queue")]


def walk(*command: object, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "walked"), done.stderr[-3000:]


@pytest.mark.parametrize("name", PYTHON)
def test_python_clients_walk(name: str, environment: dict[str, str], requests_seen: list[str]) -> None:
    walk(python_with(LOCKS / name), WALKS / f"{name}.py", environment=environment)

    assert operations_in(requests_seen) == documented(client_of(name))


@pytest.mark.parametrize("name", NODE)
def test_node_clients_walk(name: str, environment: dict[str, str], requests_seen: list[str]) -> None:
    found_at = {"NODE_PATH": str(node_with(LOCKS / name) / "node_modules")}

    walk("node", WALKS / f"{name}.js", environment=environment | found_at)

    assert operations_in(requests_seen) == documented(client_of(name))
