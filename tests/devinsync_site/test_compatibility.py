"""Older code does not start on a newer database."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import SystemCheckError
from django.db.migrations.recorder import MigrationRecorder

from common.compatibility import newer_migrations, require_known_database
from common.version import VERSION

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def test_starts_on_its_own_database() -> None:
    assert newer_migrations() == []
    require_known_database()


@pytest.mark.parametrize("app", ["accounts", "api", "audit", "connections", "sources", "syncs", "vault"])
def test_every_app_of_ours_counts(app: str) -> None:
    MigrationRecorder.Migration.objects.create(app=app, name="9999_of_the_future")

    assert newer_migrations() == [f"{app}.9999_of_the_future"]


@pytest.mark.parametrize("command", ["worker", "scheduler", "serve", "prepare", "rotate_encryption_keys"])
def test_no_process_starts_on_a_newer_one(command: str) -> None:
    MigrationRecorder.Migration.objects.create(app="syncs", name="9999_of_the_future")

    with pytest.raises(ImproperlyConfigured, match=r"syncs\.9999_of_the_future") as refused:
        call_command(command)

    assert f"this is version {VERSION}." in str(refused.value)


def test_no_other_server_of_wsgi_starts_on_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    MigrationRecorder.Migration.objects.create(app="syncs", name="9999_of_the_future")
    monkeypatch.delitem(sys.modules, "devinsync_site.wsgi", raising=False)

    with pytest.raises(ImproperlyConfigured, match=r"syncs\.9999_of_the_future"):
        import_module("devinsync_site.wsgi")


@pytest.mark.parametrize("command", ["check", "sync", "apply", "migrate", "export", "backup"])
def test_no_command_does_anything_on_a_newer_one(command: str) -> None:
    MigrationRecorder.Migration.objects.create(app="syncs", name="9999_of_the_future")

    with pytest.raises(SystemCheckError, match=r"devinsync\.E001.*syncs\.9999_of_the_future"):
        load_command_class(owner_of(command), command).check(display_num_errors=True)


def owner_of(command: str) -> str:
    owner = get_commands()[command]
    return owner if isinstance(owner, str) else owner.name


def test_looking_makes_no_database(tmp_path: Path) -> None:
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}"}

    subprocess.run([sys.executable, "manage.py", "check"], cwd=settings.BASE_DIR, env=environment, check=True)

    assert list(tmp_path.iterdir()) == []


def test_what_packages_migrated_is_their_own_affair() -> None:
    MigrationRecorder.Migration.objects.create(app="axes", name="9999_of_the_future")

    require_known_database()
