"""The official clients work unchanged against a live server."""

import os
import subprocess
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from pytest_django.live_server_helper import LiveServer

from accounts.roles import EDITOR
from api.models import MachineIdentity
from vault.models import Folder

HERE = Path(__file__).parent

pytestmark = [pytest.mark.sdk, pytest.mark.usefixtures("queue")]


@pytest.fixture
def environment(live_server: LiveServer, folder: Folder) -> dict[str, str]:
    identity = MachineIdentity.objects.create(name="walker", role=Group.objects.get(name=EDITOR))
    return {
        "PATH": os.environ["PATH"],
        "HOST": live_server.url,
        "PROJECT_ID": str(folder.environment.project_id),
        "CLIENT_ID": str(identity.client_id),
        "CLIENT_SECRET": identity.add_secret()[1],
    }


def walk(*command: object, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "walked"), done.stderr[-3000:]


def test_the_python_client_walks(sdk_python: Path, environment: dict[str, str]) -> None:
    walk(sdk_python, HERE / "walk.py", environment=environment)


def test_the_node_client_walks(sdk_node: Path, environment: dict[str, str]) -> None:
    found_at = {"NODE_PATH": str(sdk_node / "node_modules")}
    walk("node", HERE / "walk.js", environment=environment | found_at)
