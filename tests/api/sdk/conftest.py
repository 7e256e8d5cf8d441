"""Clients that others wrote, each installed into an environment of its own, once, and never into ours.

A client that cannot be installed fails its tests: a walk that is skipped proves nothing.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.signals import request_started
from pytest_django.live_server_helper import LiveServer

from accounts.roles import ADMINISTRATOR
from api.models import MachineIdentity
from vault.models import Folder

INSTALLING = 300


def make_environment(name: str, install: Callable[[Path], None]) -> Path:
    """A folder that outlives the test run, filled by the first run that needs it."""
    folder = Path(tempfile.gettempdir()) / f"devinsync-tests-{name.strip('@').replace('/', '-')}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            install(folder)
            (folder / "installed").touch()
    return folder


def run(*command: object, cwd: Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=INSTALLING, check=False
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def python_with(*packages: str) -> Path:
    """A Python that has these packages."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "venv", cwd=folder)
        run("venv/bin/python", "-m", "pip", "install", "--quiet", *packages, cwd=folder)

    return make_environment(packages[0], install) / "venv" / "bin" / "python"


def node_with(*packages: str) -> Path:
    """A folder from which Node finds these packages."""

    def install(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}')
        run("npm", "install", "--no-audit", "--no-fund", *packages, cwd=folder)

    return make_environment(packages[0], install)


@pytest.fixture
def environment(live_server: LiveServer, folder: Folder) -> dict[str, str]:
    identity = MachineIdentity.objects.create(name="walker", role=Group.objects.get(name=ADMINISTRATOR))
    return {
        "PATH": os.environ["PATH"],
        "HOST": live_server.url,
        "PROJECT_ID": str(folder.environment.project_id),
        "CLIENT_ID": str(identity.client_id),
        "CLIENT_SECRET": identity.add_secret()[1],
    }


@pytest.fixture
def requests_seen() -> Iterator[list[str]]:
    """Each request that reaches the API, as `METHOD /path`, whoever sent it."""
    seen: list[str] = []

    def note(environ: Any = None, **kwargs: Any) -> None:
        if environ:
            seen.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")

    request_started.connect(note)
    yield seen
    request_started.disconnect(note)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """The API's OpenAPI document, as a file."""
    from django.urls import reverse

    from api.app import api

    reverse("api:openapi-json")
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(api.get_openapi_schema()))
    return file
