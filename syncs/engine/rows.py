"""The rows of a run's history: what it would do, key by key, and what keeps it from doing so. Never a value."""

from syncs.choices import Action, Outcome
from syncs.engine.changes import Change, Create, Delete, HandOver, HeldBack, Refusal, Rename
from syncs.models import SyncRun, SyncRunChange

# Why a row is there of a key that another sync holds.
NOT_OURS = "not ours to write"


def change_row(run: SyncRun, change: Change) -> SyncRunChange:
    row = SyncRunChange(run=run, destination_key=storable(change.destination_key), reason=change.reason[:255])
    if isinstance(change, Delete | HandOver):
        row.action = Action.DELETE if isinstance(change, Delete) else Action.HAND_OVER
        row.secret_id, row.secret_type = change.secret_id, change.secret_type
        row.is_stranger = isinstance(change, Delete) and change.is_stranger
        return row
    row.source_key, row.is_drift = change.source_key, change.is_drift
    if isinstance(change, Create):
        row.action = Action.CREATE
        return row
    row.action = Action.RENAME if isinstance(change, Rename) else Action.REPLACE
    old_ids = change.former_ids if isinstance(change, Rename) else change.old_ids
    row.secret_id = old_ids[0] if old_ids else ""
    row.secret_type, row.is_stranger = change.old_type, change.is_stranger
    if isinstance(change, Rename):
        row.former_keys = [storable(key) for key in change.former_keys]
    return row


def refusal_row(run: SyncRun, refusal: Refusal) -> SyncRunChange:
    return SyncRunChange(
        run=run,
        action=Action.CREATE,
        destination_key=refusal.destination_key,
        source_key=refusal.source_key,
        reason=NOT_OURS,
        outcome=Outcome.FAILED,
        detail=refusal.reason[:1024],
    )


def waiting_row(run: SyncRun, delete: Delete) -> SyncRunChange:
    """A deletion that waits for the write that replaces the secret."""
    row = change_row(run, delete)
    row.outcome = Outcome.NOT_ATTEMPTED
    return row


def asked_row(run: SyncRun, delete: Delete) -> SyncRunChange:
    """A stranger of which a person is asked."""
    row = change_row(run, delete)
    row.outcome = Outcome.HELD
    return row


def held_back_row(run: SyncRun, held: HeldBack) -> SyncRunChange:
    return SyncRunChange(
        run=run,
        action=Action.DELETE,
        destination_key=storable(held.destination_key),
        secret_id=held.secret_id,
        secret_type=held.secret_type,
        is_stranger=held.is_stranger,
        reason=held.reason[:255],
        outcome=Outcome.HELD_BACK,
        detail=held.by.problem[:1024],
    )


def identity(row: SyncRunChange) -> tuple[str, str, str]:
    return row.action, row.destination_key, row.secret_id if row.action == Action.DELETE else ""


def storable(key: str) -> str:
    """A key as a column can hold it: Devin's own keys are as long as it likes, and PostgreSQL takes no NUL."""
    return key.replace("\0", "")[:1024]
