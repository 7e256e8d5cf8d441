"""The version stands in pyproject.toml; everything that tells it reads it there."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

VERSION = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["project"]["version"]

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
