"""LOAD: an empty database becomes what a backup holds, on the schema that it was made with, and is then migrated on."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Field, JSONField, Model

from devinsync_site.backups.contents import columns_of, decode, kept_models, label_of
from devinsync_site.backups.file import BackupError, Header, Reader, Table
from encryption.keyring import current_keyring

Node = tuple[str, str]
ROWS_AT_ONCE = 500
# A database with a row in one of these is somebody's.
TELLING = ("auth_user", "vault_project", "connections_connection", "syncs_devinsync", "audit_entry")


def restore(reader: Reader, *, pauses: bool = True) -> dict[str, int]:
    """The rows of each table. `pauses` all syncs and disables the channels of notifications. Raises BackupError, with
    no row in the database then."""
    counted, header = reader.check(), reader.header()
    executor = MigrationExecutor(connection)
    require_keys(header)
    targets = leaves(known_nodes(header, executor), executor)
    require_empty(header, executor)
    # Without its signals: rights and triggers come with the last step, after the rows.
    executor.migrate(targets)
    models = {label_of(model): model for model in kept_models(executor.loader.project_state(targets).apps)}
    with transaction.atomic():
        load(reader, models)
        if pauses:
            models["syncs.synccontrol"]._base_manager.update_or_create(pk=1, defaults={"is_paused": True})
            # A copy that somebody looks at tells nobody of what it takes for trouble.
            if "notices.channel" in models:
                models["notices.channel"]._base_manager.update(is_enabled=False)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    return counted


def require_keys(header: Header) -> None:
    unknown = sorted(set(header.key_ids) - set(current_keyring().keys))
    if unknown:
        raise BackupError(
            f"This backup is sealed with encryption key {', '.join(unknown)}, which ENCRYPTION_KEYS lacks. "
            "Take it from the secrets.env of the installation that was backed up."
        )


def require_empty(header: Header, executor: MigrationExecutor) -> None:
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in sorted(there.intersection(TELLING)):
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608 - names of ours
            if cursor.fetchone():
                raise BackupError(
                    f"This database is in use: {table} has rows. Restore into an empty one: "
                    "name another by DATABASE_URL or DATA_DIR."
                )
    if set(executor.loader.applied_migrations) - set(header.migrations):
        raise BackupError("This database was prepared by another version. Restore into an empty one.")


def known_nodes(header: Header, executor: MigrationExecutor) -> set[Node]:
    """Those of the backup's migrations that this code has. Raises BackupError if it lacks one."""
    nodes = set(executor.loader.graph.nodes)
    replaced = {old for each in executor.loader.disk_migrations.values() for old in each.replaces}
    unknown = sorted(f"{app}.{name}" for app, name in set(header.migrations) - nodes - replaced)
    if unknown:
        raise BackupError(
            f"This backup was made by DevinSync {header.devinsync}, which is newer ({', '.join(unknown)}). "
            "Restore it with that version."
        )
    return nodes.intersection(header.migrations)


def leaves(nodes: set[Node], executor: MigrationExecutor) -> list[Node]:
    """Of each app, the migrations after which none of it follows."""
    graph = executor.loader.graph.node_map
    return sorted(
        node
        for node in nodes
        if not any(child.key in nodes and child.key[0] == node[0] for child in graph[node].children)
    )


def load(reader: Reader, models: dict[str, type[Model]]) -> None:
    """In one transaction, in which a foreign key may come before its target."""
    for model in models.values():
        # Rows that migrations have made: the backup has its own.
        model._base_manager.all()._raw_delete(connection.alias)
    for table in reader.tables():
        found = models.get(table.label)
        if found is None or set(table.columns) != set(columns_of(found)):
            raise BackupError(f"The table {table.label} of this backup does not fit its migrations. Use another one.")
        insert(found, table)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models.values())):
            cursor.execute(statement)


def insert(model: type[Model], table: Table) -> None:
    """By plain statements: a model's save would set times anew."""
    by_column = {field.attname: field for field in model._meta.local_concrete_fields}
    fields = [by_column[name] for name in table.columns]
    name = connection.ops.quote_name
    columns = ", ".join(name(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {name(model._meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of ours
    number = 0
    with connection.cursor() as cursor:
        for rows in chunks(table.rows):
            try:
                cursor.executemany(statement, [prepare(fields, row) for row in rows])
            except (DatabaseError, TypeError, ValueError, AttributeError) as error:
                # Its text may hold the row.
                raise BackupError(
                    f"One of the rows {number + 1:,} to {number + len(rows):,} of {table.label} can't be stored here: "
                    f"{type(error).__name__}. Nothing was restored."
                ) from None
            number += len(rows)


def prepare(fields: "list[Field[Any, Any]]", row: list[Any]) -> list[Any]:
    return [
        # Only here a JSONField's None is the word null, not an empty column.
        field.get_db_prep_value(value, connection)
        if isinstance(field, JSONField) and not field.null
        else field.get_db_prep_save(decode(field, value), connection)
        for field, value in zip(fields, row, strict=True)
    ]


def chunks(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    rows = iter(rows)
    while some := list(islice(rows, ROWS_AT_ONCE)):
        yield some
