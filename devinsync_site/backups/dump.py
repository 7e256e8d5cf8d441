"""DUMP: the database as it is at one moment, into a new file."""

import gzip
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from django.apps import apps
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from common.database_faults import describe
from common.version import VERSION
from devinsync_site.backups.contents import columns_of, encode, kept_models, label_of
from devinsync_site.backups.file import BackupError, Header, Writer
from devinsync_site.backups.snapshot import rows_of, snapshot
from encryption.checks import sealing_key_ids
from syncs.models import SyncControl


def back_up(target: Path) -> dict[str, int]:
    """The rows of each table. The file is there whole or not at all, for this user alone. Raises BackupError."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0, compresslevel=6) as file:
                rows = dump(cast(IO[bytes], file))
            raw.flush()
            os.fsync(raw.fileno())
        # Not by renaming, which would replace a file that has come meanwhile.
        os.link(part, target)
        return rows
    except OSError as error:
        raise BackupError(f"The backup could not be written to {target}: {error.strerror or 'it failed'}.") from None
    except (DatabaseError, InterfaceError) as error:
        raise BackupError(f"{describe(error)} Nothing was written.") from None
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def dump(file: IO[bytes]) -> dict[str, int]:
    writer = Writer(file)
    with snapshot():
        writer.header(make_header())
        for model in kept_models(apps):
            writer.table(label_of(model), columns_of(model))
            for row in rows_of(model):
                writer.row(encode(row))
    writer.end()
    return writer.rows


def make_header() -> Header:
    return Header(
        devinsync=VERSION,
        made_at=timezone.now().isoformat(timespec="seconds"),
        instance_id=SyncControl.known_instance_id(),
        migrations=sorted(MigrationRecorder(connection).applied_migrations()),
        key_ids=sealing_key_ids(),
    )
