"""Older code does not start on a newer database."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
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


@pytest.mark.parametrize("command", ["worker", "scheduler", "serve", "prepare"])
def test_no_process_starts_on_a_newer_one(command: str) -> None:
    MigrationRecorder.Migration.objects.create(app="syncs", name="9999_of_the_future")

    with pytest.raises(ImproperlyConfigured, match=r"syncs\.9999_of_the_future") as refused:
        call_command(command)

    assert f"this is version {VERSION}." in str(refused.value)


def test_what_packages_migrated_is_their_own_affair() -> None:
    MigrationRecorder.Migration.objects.create(app="axes", name="9999_of_the_future")

    require_known_database()
