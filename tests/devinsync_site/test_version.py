"""The version stands in pyproject.toml; everything that tells it reads it there."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

ROOT = Path(settings.BASE_DIR)
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
OF_AN_IMAGE = re.compile(r"""(?:newTag: |appVersion: |kubernetes\.io/version: |devinsync:)["']?(\d+\.\d+\.\d+)""")

pytestmark = pytest.mark.django_db


def test_a_probe_and_the_api_document_tell_it(
    client: Client, signed_in: Callable[[User], Client], somebody: Callable[..., User]
) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "version": VERSION}
    assert signed_in(somebody("Viewer")).get("/api/docs/json").json()["info"]["version"] == VERSION


def test_pages_tell_it_to_those_who_are_in(
    client: Client, signed_in: Callable[[User], Client], somebody: Callable[..., User]
) -> None:
    assert f"DevinSync {VERSION}" in signed_in(somebody("Viewer")).get("/admin/").content.decode()
    assert f"DevinSync {VERSION}" not in client.get("/admin/login/").content.decode()


def test_manifests_name_the_image_of_the_same_version() -> None:
    manifests = [*(ROOT / "deploy").rglob("*.yaml"), ROOT / "Dockerfile", ROOT / "compose.yaml"]

    named = {version for path in manifests for version in OF_AN_IMAGE.findall(path.read_text())}

    assert named == {VERSION}


def test_the_client_is_of_the_same_version() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "client")}
    command = [sys.executable, "-m", "devinsync", "--version"]

    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert told == f"devinsync {VERSION}\n"
