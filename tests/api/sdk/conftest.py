"""Clients that others wrote, locked in `clients`, and what they need to walk."""

import json
import os
from collections.abc import Iterator
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

LOCKS = Path(__file__).parent / "clients"


def client_of(name: str) -> str:
    """The package that a lock is for, as the guide's table names it."""
    folder = LOCKS / name
    if (folder / "requirements.in").exists():
        [pin] = pins(folder / "requirements.in")
        return f"{pin.name}=={version_of(pin)}"
    package, version = next(iter(json.loads((folder / "package.json").read_text())["dependencies"].items()))
    return f"{package}@{version}"


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
