"""What a database may have forgotten that failed over to a standby which lagged: that an organization is taken.

Its holder goes on with what it has begun until its lease would have ended; the new server knows of no lease, so nobody
would wait for it. PostgreSQL numbers its histories ("timelines"): a standby that is promoted begins another, a server
that restarts does not. So for the length of a lease, from when the first worker sees another number, nobody writes.
"""

from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from common import clock
from syncs.models import SyncControl

# The first eight digits of the name of the file that is written to (section 9.27.3 of PostgreSQL's manual).
TIMELINE = "SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
# Whether the server tells; asked once a process. Those that keep their log in another way, as Aurora, do not.
_tells: list[bool] = []


def time_to_wait(control: SyncControl) -> timedelta:
    """How long whoever takes an organization now has to wait before the first write. Call it in that transaction."""
    timeline = current_timeline()
    if timeline != control.timeline:
        _note(control, timeline)
    since = control.timeline_since
    return max(timedelta(), since + settings.SYNC_LEASE - clock.now()) if since else timedelta()


def _note(control: SyncControl, timeline: str) -> None:
    """One of several that see it at once; the others go by what that one wrote."""
    is_another = bool(control.timeline and timeline)
    SyncControl.objects.filter(pk=control.pk, timeline=control.timeline).update(
        timeline=timeline, timeline_since=clock.now() if is_another else None
    )
    control.refresh_from_db(fields=["timeline", "timeline_since"])


def current_timeline() -> str:
    """ "" for a database that has no such number, or does not tell it."""
    if connection.vendor != "postgresql":
        return ""
    if not _tells:
        _tells.append(_does_tell())
    return _ask() if _tells[0] else ""


def _does_tell() -> bool:
    try:
        with transaction.atomic():
            _ask()
    except DatabaseError:
        with connection.cursor() as cursor:
            # Where the connection is at fault, this fails too, and nothing is known.
            cursor.execute("SELECT 1")
        return False
    return True


def _ask() -> str:
    with connection.cursor() as cursor:
        cursor.execute(TIMELINE)
        return str(cursor.fetchone()[0])
