"""The lease on an organization: one run at a time, fenced by an epoch.

Taken and renewed by filtered updates on the `Destination` row, by the database's clock. Devin cannot check a fencing
number, so a write is bounded from both sides: its holder starts none that could outlast the lease (`check`, by the
monotonic clock, right before the bytes are sent), and one who takes over an expired lease waits one request's deadline
before its own first write (`quarantine`).
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from syncs.errors import LeaseLost
from syncs.models import Destination

log = logging.getLogger(__name__)


@dataclass
class Lease:
    """Held by this process until released, or until renewal fails. Use it as a context manager."""

    destination_id: int
    run_id: UUID
    holder: str
    epoch: int
    was_taken_over: bool
    valid_until: float
    length: timedelta = field(default_factory=lambda: settings.SYNC_LEASE)
    deadline: timedelta = field(default_factory=lambda: settings.DEVIN_REQUEST_DEADLINE)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @classmethod
    def acquire(cls, destination: Destination, run_id: UUID) -> Self | None:
        """None if another run holds it. Call inside the transaction that starts the run."""
        before = time.monotonic()
        holder = uuid4().hex
        rows = Destination.objects.filter(pk=destination.pk)
        previous = rows.select_for_update().values_list("lease_holder", flat=True).get()
        is_free = Q(lease_holder="") | Q(lease_expires_at__lte=Now())
        taken = rows.filter(is_free).update(
            epoch=F("epoch") + 1,
            lease_holder=holder,
            lease_run_id=run_id,
            lease_expires_at=Now() + settings.SYNC_LEASE,
        )
        if not taken:
            return None
        epoch = rows.values_list("epoch", flat=True).get()
        valid_until = before + settings.SYNC_LEASE.total_seconds()
        return cls(destination.pk, run_id, holder, epoch, bool(previous), valid_until)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._keep_renewing, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.release()

    def quarantine(self, wait: Callable[[float], None] = time.sleep) -> None:
        """After a take-over: lets what the former holder sent arrive before we write."""
        if self.was_taken_over:
            wait(self.deadline.total_seconds())

    def check(self) -> None:
        """Raises LeaseLost unless a whole request fits into what is left of the lease. Costs no query."""
        if time.monotonic() + self.deadline.total_seconds() > self.valid_until:
            raise LeaseLost(
                "Another worker may have taken over this organization. The run stops before its next write."
            )

    def confirm(self) -> None:
        """The same by the database; call it in the transaction that records an intent."""
        self.check()
        if not self._mine().filter(lease_expires_at__gt=Now()).exists():
            raise LeaseLost("Another worker has taken over this organization. The run stops before its next write.")

    def confirm_held(self) -> None:
        """Raises LeaseLost if another worker has taken over. For recording facts, which needs no time ahead."""
        if not self._mine().exists():
            raise LeaseLost("Another worker has taken over this organization. It goes by what Devin lists.")

    def renew(self) -> bool:
        before = time.monotonic()
        renewed = self._mine().update(lease_expires_at=Now() + self.length)
        if renewed:
            self.valid_until = before + self.length.total_seconds()
        else:
            self.valid_until = 0.0
        return bool(renewed)

    def release(self) -> None:
        self.valid_until = 0.0
        self._mine().update(lease_holder="", lease_run_id=None, lease_expires_at=None)

    def _mine(self) -> QuerySet[Destination]:
        return Destination.objects.filter(pk=self.destination_id, epoch=self.epoch, lease_holder=self.holder)

    def _keep_renewing(self) -> None:
        try:
            while not self._stop.wait(settings.SYNC_LEASE_RENEWAL.total_seconds()):
                try:
                    if not self.renew():
                        return
                except (DatabaseError, InterfaceError) as error:
                    log.warning("could not renew the lease of run %s: %s", self.run_id, type(error).__name__)
                    close_old_connections()
        finally:
            connection.close()
