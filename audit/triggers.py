"""What makes the log append-only: the database itself refuses to alter or delete a line.

Two exceptions: a line is linked once, by code that signs all of it, and lines go when they are older than
`YOUNGEST_DELETED`, which no setting can undercut. Installed after each `migrate`, because SQLite forgets triggers
whenever it rebuilds a table.
"""

from typing import Any

from django.conf import settings
from django.db import connections

from audit.chain import SIGNED, SIGNED_LATER
from audit.models import Form

YOUNGEST_DELETED = 30
CONTENT = ("at", *SIGNED, *SIGNED_LATER)
# A release before would link a line by a digest of some of its columns, and so leave the others to whoever writes to
# the database: such lines wait for newer code.
BY_OLD_CODE = f"NEW.position IS NOT NULL AND NEW.form = {Form.NOT_LINKED}"

SQLITE = (
    "DROP TRIGGER IF EXISTS audit_entry_no_update",
    """CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
    WHEN OLD.position IS NOT NULL OR {changed}
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
    "DROP TRIGGER IF EXISTS audit_entry_no_old_link",
    """CREATE TRIGGER audit_entry_no_old_link BEFORE UPDATE ON audit_entry WHEN {by_old_code}
    BEGIN SELECT RAISE(ABORT, 'newer code links this line of the audit log'); END""",
    """CREATE TRIGGER IF NOT EXISTS audit_entry_no_delete BEFORE DELETE ON audit_entry
    WHEN OLD.at > datetime('now', '-{days} days')
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END""",
)
POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION audit_entry_keep() RETURNS trigger AS $$ BEGIN
    IF TG_OP = 'TRUNCATE' THEN RAISE EXCEPTION 'the audit log is append-only'; END IF;
    IF TG_OP = 'UPDATE' AND (OLD.position IS NOT NULL OR {changed}) THEN
        RAISE EXCEPTION 'the audit log is append-only'; END IF;
    IF TG_OP = 'UPDATE' AND {by_old_code} THEN
        RAISE EXCEPTION 'newer code links this line of the audit log'; END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.at > now() - interval '{days} days' THEN RAISE EXCEPTION 'the audit log is append-only'; END IF;
        RETURN OLD;
    END IF;
    RETURN NEW; END $$ LANGUAGE plpgsql""",
    "DROP TRIGGER IF EXISTS audit_entry_keep ON audit_entry",
    """CREATE TRIGGER audit_entry_keep BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_keep()""",
    "DROP TRIGGER IF EXISTS audit_entry_keep_all ON audit_entry",
    """CREATE TRIGGER audit_entry_keep_all BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_keep()""",
)


def after_migrate(*, using: str, **_: Any) -> None:
    if settings.AUDIT_TRIGGERS and "audit_entry" in connections[using].introspection.table_names():
        install(using)


def install(using: str = "default") -> None:
    connection = connections[using]
    is_sqlite = connection.vendor == "sqlite"
    differs = "OLD.{0} IS NOT NEW.{0}" if is_sqlite else "OLD.{0} IS DISTINCT FROM NEW.{0}"
    changed = " OR ".join(differs.format(name) for name in CONTENT)
    with connection.cursor() as cursor:
        for statement in SQLITE if is_sqlite else POSTGRESQL:
            cursor.execute(statement.format(changed=changed, days=YOUNGEST_DELETED, by_old_code=BY_OLD_CODE))
