"""What the audit log tells of syncs, with all their options, and of runs."""

from audit import registry
from syncs.models import (
    Destination,
    DevinSync,
    ManagedSecret,
    SourceAuthor,
    StrangerDecision,
    SyncControl,
    SyncRun,
    SyncRunChange,
    WriteIntent,
)
from syncs.options import OPTIONS

SOURCE = ("project__slug", "source_environment", "source_path")
SYNC_PLACE = dict(zip(("project", "environment", "path"), SOURCE, strict=True))
RUN_PLACE = {column: f"sync__{lookup}" for column, lookup in SYNC_PLACE.items()}


def register() -> None:
    registry.register(
        DevinSync,
        *("name", "is_enabled", *SOURCE[1:], "connection__name", "org_id", *OPTIONS),
        "agreed_way",
        named={"agreed base URL": "agreed_base_url"},
        hidden={"description": "description"},
        place=SYNC_PLACE,
        arguments=("sync_id",),
    )
    registry.register(
        SyncRun,
        *("status", "stopped_by", "confirmed_deletions", "confirms_any_deletion", "accepts_rollback", "takes_over"),
        named={"approval": "awaited__answer", "answered by": "awaited__answered_by_name"},
        place=RUN_PLACE | {"run": "id"},
        arguments=("run_id",),
    )
    registry.register(SyncControl, "is_paused")
    # Told by the lines of syncs, runs and what they read, or written by runs alone.
    registry.leave_out(Destination, ManagedSecret, SourceAuthor, StrangerDecision, SyncRunChange, WriteIntent)
