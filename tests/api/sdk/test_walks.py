"""Infisical's official clients work unchanged against a live server, and `docs/api.md` tells what each of them did."""

import subprocess
from pathlib import Path

import pytest

from tests.api.sdk.conftest import node_with, python_with
from tests.api.sdk.operations import documented, operations_in
from tests.patience import PATIENCE

WALKS = Path(__file__).parent / "walks"
PYTHON = {
    "infisicalsdk==1.0.18": "infisicalsdk.py",
    "infisicalsdk==1.0.3": "infisicalsdk_1_0_3.py",
    "infisical-python==2.3.5": "infisical_python.py",
}
NODE = {
    "@infisical/sdk@5.0.2": "infisical_sdk.js",
    "@infisical/sdk@3.0.2": "infisical_sdk_3.js",
    "@infisical/mcp@0.0.24": "infisical_mcp.js",
}

pytestmark = [pytest.mark.sdk, pytest.mark.usefixtures("queue")]


def walk(*command: object, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "walked"), done.stderr[-3000:]


@pytest.mark.parametrize("package", PYTHON)
def test_python_clients_walk(package: str, environment: dict[str, str], requests_seen: list[str]) -> None:
    walk(python_with(package), WALKS / PYTHON[package], environment=environment)

    assert operations_in(requests_seen) == documented(package)


@pytest.mark.parametrize("package", NODE)
def test_node_clients_walk(package: str, environment: dict[str, str], requests_seen: list[str]) -> None:
    found_at = {"NODE_PATH": str(node_with(package) / "node_modules")}

    walk("node", WALKS / NODE[package], environment=environment | found_at)

    assert operations_in(requests_seen) == documented(package)
