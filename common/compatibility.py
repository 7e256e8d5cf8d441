"""Whether this code may work on this database: not on one that a newer version has changed."""

from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader

from common.version import VERSION


def require_known_database() -> None:
    """Refuses to start on a database with migrations that this code does not have."""
    if message := newer_than_this():
        raise ImproperlyConfigured(message)


def newer_than_this() -> str:
    """What is newer about the database than this code, and what to do; "" if nothing is."""
    newer = newer_migrations()
    if not newer:
        return ""
    return (
        f"A newer DevinSync has changed this database ({', '.join(newer)}); this is version {VERSION}. "
        "Install that version again, or restore the copy that was made before the update."
    )


def newer_migrations() -> list[str]:
    """The migrations of ours that the database has and this code lacks, as `syncs.0009_name`."""
    try:
        loader = MigrationLoader(connection)
    except (DatabaseError, InterfaceError):
        # Away: whatever needs it says so.
        return []
    ours = {app.label for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}
    known = set(loader.disk_migrations) | {old for new in loader.disk_migrations.values() for old in new.replaces}
    return sorted(f"{app}.{name}" for app, name in set(loader.applied_migrations) - known if app in ours)
