"""Whether a database is prepared for this version, and waiting until it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of an installation whose database is empty."""
    (tmp_path / "static").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": settings.SECRET_KEY,
        "ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
    }


@pytest.mark.django_db
@pytest.mark.postgresql
def test_a_prepared_database_lacks_nothing() -> None:
    call_command("createcachetable")

    call_command("prepared")


@pytest.mark.django_db
@pytest.mark.postgresql
def test_names_the_migrations_that_are_lacking() -> None:
    last = MigrationRecorder.Migration.objects.filter(app="syncs").order_by("-id").first()
    assert last is not None
    last.delete()

    with pytest.raises(CommandError) as refused:
        call_command("prepared")

    assert str(refused.value) == f"The database lacks syncs.{last.name}. Run `manage.py prepare`."


@pytest.mark.django_db
@pytest.mark.postgresql
def test_lacks_the_last_thing_that_prepare_makes() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {settings.CACHES['default']['LOCATION']}")

    with pytest.raises(CommandError, match=r"lacks the table of counts. Run `manage\.py prepare`\."):
        call_command("prepared")


@pytest.mark.django_db
def test_waits_for_no_newer_version() -> None:
    MigrationRecorder.Migration.objects.create(app="syncs", name="9999_of_the_future")

    with pytest.raises(ImproperlyConfigured, match=r"syncs\.9999_of_the_future"):
        call_command("prepared", "--wait")


def test_waits_until_the_database_is_prepared(environment: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "prepared", "--wait"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as waiting:
        try:
            assert waiting.stderr is not None
            assert waiting.stderr.readline().endswith(" more. Run `manage.py prepare`. Waiting for it.\n")

            prepare = [sys.executable, "manage.py", "prepare"]
            subprocess.run(prepare, cwd=ROOT, env=environment, capture_output=True, check=True)

            assert waiting.wait(PATIENCE) == 0
        finally:
            waiting.kill()
