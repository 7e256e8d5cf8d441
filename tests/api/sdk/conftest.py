"""Clients that others wrote, each with an environment of its own below `.venv/clients`, never in ours.

What an environment holds is locked in `clients`, hashes and all, so that it is the same in years. The first test that
asks for it installs it, and again when its lock has changed. A client that cannot be installed fails its tests: a walk
that is skipped proves nothing. Only where there is no Node, or no release of a client for this Python, it is left out.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.signals import request_started
from pytest_django.live_server_helper import LiveServer

from accounts.roles import ADMINISTRATOR
from api.models import MachineIdentity
from tests.launcher.package_index import pins, version_of
from vault.models import Folder

ROOT = Path(__file__).resolve().parents[3]
LOCKS = Path(__file__).parent / "clients"


def client_of(name: str) -> str:
    """The package that a lock is for, as the guide's table names it."""
    folder = LOCKS / name
    if (folder / "requirements.in").exists():
        [pin] = pins(folder / "requirements.in")
        return f"{pin.name}=={version_of(pin)}"
    package, version = next(iter(json.loads((folder / "package.json").read_text())["dependencies"].items()))
    return f"{package}@{version}"


@contextmanager
def environment_of(name: str) -> Iterator[Path]:
    """The folder of an environment, for one process at a time."""
    folder = ROOT / ".venv" / "clients" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def run(*command: object, cwd: Path) -> None:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def python_with(name: str) -> Path:
    """A Python that has what the lock of this name pins."""
    [pin] = pins(LOCKS / name / "requirements.in")
    if pin.marker and not pin.marker.evaluate():
        pytest.skip(f"Its maker built {pin.name} for no such Python.")
    with environment_of(name) as folder:
        run(sys.executable, "-m", "launcher.install", "--venv", folder, LOCKS / name / "requirements.txt", cwd=ROOT)
    return folder / "bin" / "python"


def node_with(name: str) -> Path:
    """A folder from which Node finds what the lock of this name pins."""
    if not shutil.which("npm"):
        pytest.skip("There is no npm on this machine.")
    with environment_of(name) as folder:
        wanted, installed = (LOCKS / name / "package-lock.json").read_text(), folder / "installed.json"
        if not installed.exists() or installed.read_text() != wanted:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(LOCKS / name / file, folder)
            run("npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
            installed.write_text(wanted)
    return folder


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
