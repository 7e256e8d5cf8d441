"""A connection that syncs use is pointed elsewhere: who may do that, and what it takes until values go there.

Whoever says where values go must be allowed to read them. And nothing goes to a new address before a person has seen
the plan there: until then each run is blocked. Both are judged by the stored addresses, so it does not matter who
changed the connection, or how.
"""

from collections.abc import Sequence

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from common.refusals import note_lacking
from connections.models import Connection
from connections.repointing import May, register_check
from syncs.choices import Operation, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncRun
from syncs.runs import end
from syncs.runs.ask import request_run
from syncs.runs.tracks import lock_sync
from syncs.runs.wishes import Wishes

# What it takes to say where the values of a sync go.
NEEDED = ("connections.use_connection", "vault.reveal_secret")


def connect() -> None:
    register_check(why_not_repoint)


def why_not_repoint(connection: Connection, may: May) -> str:
    """Says what somebody lacks to point a connection of syncs elsewhere; "" for nothing."""
    missing = [permission for permission in NEEDED if not may(permission)]
    users = _users_of(connection) if missing else ""
    if not users:
        return ""
    note_lacking(missing)
    return (
        f"{users} values through “{connection.name}”, so another address or API key for it takes the "
        f"permission{'' if len(missing) == 1 else 's'} {' and '.join(missing)}. Ask somebody who may read the values."
    )


def _users_of(connection: Connection) -> str:
    """How many syncs send values through it, or read what they send: from elsewhere, other values would go to Devin."""
    if count := connection.syncs.count():
        return "1 sync sends" if count == 1 else f"{count} syncs send"
    if count := DevinSync.objects.filter(project__link__connection=connection).count():
        return "1 sync reads" if count == 1 else f"{count} syncs read"
    return ""


@transaction.atomic
def agree_to_address(
    sync: DevinSync,
    where: str,
    *,
    deletions: Sequence[str] | None,
    user: AbstractBaseUser | AnonymousUser | None,
    trigger: Trigger = Trigger.MANUAL,
) -> SyncRun:
    """A person has seen the plan at `where`, address and way: lets the sync write there, and starts a run.

    `deletions` are the ids of the secrets that the plan would delete, if they may confirm those. Raises NotRunnable if
    the connection has been pointed elsewhere since.
    """
    lock_sync(pk=sync.pk)
    sync.refresh_from_db()
    if sync.connection.where != where:
        raise NotRunnable(f"The connection of “{sync.name}” has been pointed elsewhere since. Look at the new plan.")
    sync.take_address()
    sync.save(update_fields=["agreed_connection_id", "agreed_base_url", "agreed_way"])
    # What was confirmed for a run that waits was confirmed for the old address.
    for run in SyncRun.objects.pending().filter(sync=sync, operation=Operation.SYNC):
        end.cancel(run.pk, "Its connection was pointed elsewhere before the run started.")
    return request_run(sync, trigger=trigger, user=user, wishes=Wishes(confirmed_deletions=deletions))
