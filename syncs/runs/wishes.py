"""What a person, or an edit, asks of a run beyond running."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self
from uuid import UUID

from syncs.models import DevinSync, SyncRun


@dataclass(frozen=True)
class Wishes:
    """Columns of a run. One that joins a waiting run adds its wishes to that run's; none is ever taken back by it."""

    # The ids of the secrets that a plan would delete; an empty one allows no deletion at all, None says nothing.
    confirmed_deletions: Sequence[str] | None = None
    confirms_any_deletion: bool = False
    accepts_rollback: bool = False
    repushes_all: bool = False
    removes_sync: bool = False
    # The keys to take over from syncs that have stopped; true for any that they hold.
    takes_over: Sequence[str] | bool | None = None
    # That its turn in the waves has come; only a further change takes that back.
    is_released: bool = False
    # The blocked run whose plan another person has approved.
    approved_run_id: UUID | None = None
    # Where to work; None: where the sync writes.
    connection_id: UUID | None = None
    org_id: str | None = None

    @classmethod
    def of(cls, run: SyncRun) -> Self:
        """What was asked of a run; a place is no wish of its own."""
        return cls(**{each.name: getattr(run, each.name) for each in fields(cls) if each.name not in PLACE})

    def said(self) -> dict[str, Any]:
        """By the names of the columns, what is asked for at all."""
        all_of_them = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in all_of_them.items() if value is not None and value is not False}

    def place_for(self, sync: DevinSync) -> tuple[UUID, str]:
        """The id of the connection, and the organization."""
        return self.connection_id or sync.connection_id, self.org_id or sync.org_id


PLACE = ("connection_id", "org_id")
NO_WISHES = Wishes()
