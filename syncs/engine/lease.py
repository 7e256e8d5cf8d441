"""The lease on an organization: one run at a time, fenced by an epoch.

Taken and renewed by filtered updates on the `Destination` row, by the database's clock. Devin cannot check a fencing
number, so a write is bounded from both sides: its holder starts none that could outlast the lease (`check`, by the
monotonic clock, right before the bytes are sent), and one who takes over an expired lease waits one write's deadline
before its own first write (`quarantine`). The lease of a process that was seen to have ended has ended with it: what it
sent last may still be on its way, so there is a short wait too.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from common.processes import identity
from syncs.engine.renewal import keeper
from syncs.errors import LeaseLost, RunTooLong
from syncs.models import Destination

log = logging.getLogger(__name__)

# In place of the holder, when that was seen to have ended.
ENDED = "ended"
# What a process had handed to the system when it ended is at its destination within this time, or never.
LAST_WORDS = timedelta(seconds=1)


def write_deadline() -> timedelta:
    """One write to Devin may take this long in all: the lease must outlast it."""
    return min(settings.DEVIN_WRITE_DEADLINE, settings.DEVIN_REQUEST_DEADLINE)


@dataclass(eq=False)
class Lease:
    """Held by this process until released, or until renewal fails. Use it as a context manager."""

    destination_id: int
    run_id: UUID
    holder: str
    epoch: int
    was_taken_over: bool
    valid_until: float
    was_left: bool = False
    # Longer than zero where the database may have forgotten a holder.
    patience: timedelta = timedelta()
    # A person has cancelled the run: known since the last look at the row.
    is_stopping: bool = False
    length: timedelta = field(default_factory=lambda: settings.SYNC_LEASE)
    deadline: timedelta = field(default_factory=write_deadline)
    ends_at: float = field(default_factory=lambda: time.monotonic() + settings.SYNC_LONGEST_RUN.total_seconds())

    @classmethod
    def acquire(
        cls, destination: Destination, run_id: UUID, *, stops: bool = False, patience: timedelta = timedelta()
    ) -> Self | None:
        """None if another run holds it. Call inside the transaction that starts the run.

        `stops`: the run was cancelled before, and is to finish what it has begun. `patience`: how long it waits before
        its first write in any case.
        """
        before = time.monotonic()
        holder = f"{identity()}-{uuid4().hex[:16]}"
        rows = Destination.objects.filter(pk=destination.pk)
        previous, epoch = rows.select_for_update().values_list("lease_holder", "epoch").get()
        is_free = Q(lease_holder="") | Q(lease_expires_at__lte=Now())
        taken = rows.filter(is_free, epoch=epoch).update(
            epoch=F("epoch") + 1,
            lease_holder=holder,
            lease_run_id=run_id,
            lease_expires_at=Now() + settings.SYNC_LEASE,
            stop_asked=stops,
        )
        if not taken:
            return None
        valid_until = before + settings.SYNC_LEASE.total_seconds()
        was_left = previous == ENDED
        lease = cls(destination.pk, run_id, holder, epoch + 1, bool(previous), valid_until)
        lease.was_left, lease.is_stopping, lease.patience = was_left, stops, patience
        return lease

    def __enter__(self) -> Self:
        keeper.keep(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        keeper.leave(self)
        try:
            self.release()
        except (DatabaseError, InterfaceError) as failure:
            # It expires.
            log.warning("could not release the lease of run %s: %s", self.run_id, type(failure).__name__)
            connection.close()

    def quarantine(self, wait: Callable[[float], None] = time.sleep) -> None:
        """After a take-over: lets what the former holder sent arrive before we write."""
        pause = self.patience
        if self.was_taken_over:
            pause = max(pause, min(self.deadline, LAST_WORDS if self.was_left else self.deadline))
        if pause:
            wait(pause.total_seconds())

    def check(self) -> None:
        """Raises LeaseLost unless a whole write fits into what is left of the lease, and RunTooLong. Costs no query."""
        now = time.monotonic()
        if now > self.ends_at:
            raise RunTooLong("The run took longer than a run may.")
        if now + self.deadline.total_seconds() > self.valid_until:
            raise LeaseLost(
                "Another worker may have taken over this organization. The run stops before its next write."
            )

    def confirm(self) -> None:
        """The same by the database; call it in the transaction that records an intent."""
        self.check()
        if not self._look(self._mine().filter(lease_expires_at__gt=Now())):
            raise LeaseLost("Another worker has taken over this organization. The run stops before its next write.")

    def confirm_held(self) -> None:
        """Raises LeaseLost if another worker has taken over. For recording facts, which needs no time ahead."""
        if not self._look(self._mine()):
            raise LeaseLost("Another worker has taken over this organization. It goes by what Devin lists.")

    def _look(self, rows: QuerySet[Destination]) -> bool:
        """Whether the row is there; on the way, whether somebody has cancelled the run."""
        found = list(rows.values_list("stop_asked", flat=True)[:1])
        self.is_stopping = found == [True]
        return bool(found)

    def renew(self) -> bool:
        """By itself, also after it expired, as long as nobody has taken over."""
        before = time.monotonic()
        renewed = self._mine().update(lease_expires_at=Now() + self.length)
        self.valid_until = before + self.length.total_seconds() if renewed else 0.0
        return bool(renewed)

    def release(self) -> None:
        self.valid_until = 0.0
        self._mine().update(lease_holder="", lease_run_id=None, lease_expires_at=None)

    def _mine(self) -> QuerySet[Destination]:
        return Destination.objects.filter(pk=self.destination_id, epoch=self.epoch, lease_holder=self.holder)
