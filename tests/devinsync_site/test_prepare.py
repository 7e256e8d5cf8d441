from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command
from django.http import HttpRequest

from devinsync_site.management.commands.prepare import Command, ensure_administrator
from tests.actors import ANYBODY
from vault.editing import create_project
from vault.models import Folder

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USERNAME", "EMAIL", "PASSWORD"):
        monkeypatch.delenv(f"DJANGO_SUPERUSER_{name}", raising=False)


def test_makes_an_administrator_with_a_password_of_its_own() -> None:
    login = ensure_administrator()

    assert login["username"] == "admin"
    assert authenticate(HttpRequest(), username="admin", password=str(login["password"]))
    assert len(str(login["password"])) >= 16


def test_makes_none_where_there_is_one() -> None:
    User.objects.create_superuser("root", password="chosen")

    assert ensure_administrator() == {"username": "root", "password": None, "notice": None}
    assert User.objects.count() == 1


def test_takes_what_the_environment_gives_and_does_not_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "boss")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "given")

    assert ensure_administrator() == {"username": "boss", "password": None, "notice": None}
    assert User.objects.get().check_password("given")


def test_keeps_a_changed_password_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.create_superuser("admin", password="changed since")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "given")

    notice = ensure_administrator()["notice"]

    assert notice is not None
    assert notice.startswith("admin has another password than DJANGO_SUPERUSER_PASSWORD")
    user.refresh_from_db()
    assert user.check_password("changed since")


def test_collects_static_files_unless_they_are_there_already(tmp_path: Path, settings: LazySettings) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STATIC_DIR = str(tmp_path)
    call_command("prepare", stdout=StringIO())
    assert list(tmp_path.iterdir()) == []

    settings.STATIC_DIR = ""
    call_command("prepare", stdout=StringIO())
    assert list(tmp_path.iterdir()) != []


def test_binds_the_vault_of_an_earlier_release_once() -> None:
    create_project(name="Shop", by=ANYBODY)
    Folder.objects.update(seal="")
    told = StringIO()

    Command(stderr=told).bind_vault()
    Folder.objects.filter(environment__slug="dev").update(seal="")
    Command(stderr=told).bind_vault()

    bound, refused = told.getvalue().splitlines()
    assert bound == "Bound 0 values in 3 folders to their places."
    assert refused.startswith("Somebody took the seals from shop/dev:/, so these are not read.")
