"""A person decides on what a blocked run asks: another run follows, which may do what that one was kept from."""

from typing import Any

from syncs.choices import Action, BlockedReason, Outcome, Status, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.wishes import Wishes

# Reasons that hold a whole run, and that no word on deletions answers.
WHOLE_RUN = frozenset(
    {BlockedReason.ROLLBACK, BlockedReason.NEW_ADDRESS, BlockedReason.APPROVAL, BlockedReason.REFUSED}
)


def confirm_deletions(run: SyncRun, *, trigger: Trigger, user: Any) -> SyncRun:
    """A run that may delete exactly what this blocked one would have deleted. Raises NotRunnable."""
    sync = _open_question(run)
    if run.blocked_reason in WHOLE_RUN:
        raise NotRunnable(f"This run was not blocked for what it would delete. {run.message}")
    wishes = Wishes(confirmed_deletions=planned_deletions(run))
    return request_run(sync, trigger=trigger, user=user, wishes=wishes)


def trust_database(run: SyncRun, *, trigger: Trigger, user: Any) -> SyncRun:
    """A run that takes this database for right, although Devin holds later notes. Raises NotRunnable."""
    sync = _open_question(run)
    if run.blocked_reason != BlockedReason.ROLLBACK:
        raise NotRunnable("This run was not blocked because the database is older than Devin.")
    return request_run(sync, trigger=trigger, user=user, wishes=Wishes(accepts_rollback=True))


def is_outdated(run: SyncRun) -> bool:
    """Whether a later run of the same kind has been asked for; cancelled ones do not count."""
    later = SyncRun.objects.filter(sync_id=run.sync_id, operation=run.operation, queued_at__gt=run.queued_at)
    return run.sync_id is not None and later.exclude(status=Status.CANCELLED).exists()


def awaits_word_on_deletions(run: SyncRun) -> bool:
    """Whether it is blocked for what it would delete, and a person can still say yes."""
    return (
        run.status == Status.BLOCKED
        and run.blocked_reason not in WHOLE_RUN
        and run.changes.filter(action=Action.DELETE, outcome=Outcome.PLANNED).exists()
        and not is_outdated(run)
    )


def planned_deletions(run: SyncRun) -> list[str]:
    """The ids of the secrets that it did not get to delete."""
    rows = run.changes.filter(action=Action.DELETE, outcome=Outcome.PLANNED)
    return list(rows.values_list("secret_id", flat=True))


def _open_question(run: SyncRun) -> DevinSync:
    if run.sync is None or run.status != Status.BLOCKED:
        raise NotRunnable("There is nothing to confirm here: this run is not blocked.")
    if is_outdated(run):
        raise NotRunnable("A later run of this sync has been started. Decide on that one.")
    return run.sync
