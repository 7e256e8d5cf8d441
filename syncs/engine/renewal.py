"""Renews the leases of all runs of this process together: one thread, one statement every few seconds."""

import logging
import os
import threading
import time
from datetime import timedelta
from typing import Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from syncs.models import Destination

log = logging.getLogger(__name__)

THREAD = "leases"


class Kept(Protocol):
    """What is renewed: see `syncs.engine.lease.Lease`."""

    holder: str
    valid_until: float
    length: timedelta
    ends_at: float


class Keeper:
    """Leases are `keep`ed and `leave`d by their runs' threads; a thread of its own renews those that are kept."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """In a fork, which has neither the thread nor the leases of its parent."""
        self._leases: set[Kept] = set()
        self._in_hand: list[Kept] = []
        self._changed = threading.Condition()
        self._is_running = False

    def keep(self, lease: Kept) -> None:
        with self._changed:
            self._leases.add(lease)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name=THREAD, daemon=True).start()

    def leave(self, lease: Kept) -> None:
        """Returns once nothing renews it any more."""
        with self._changed:
            self._leases.discard(lease)
            self._changed.notify_all()
            self._changed.wait_for(lambda: lease not in self._in_hand)

    def _run(self) -> None:
        try:
            while self._wait():
                self._renew_all()
        except BaseException:
            with self._changed:
                # The next run's lease starts another thread.
                self._is_running = False
            raise
        finally:
            connection.close()

    def _wait(self) -> bool:
        """Until it is time to renew; False if there is nothing left to renew, and the thread ends."""
        until = time.monotonic() + settings.SYNC_LEASE_RENEWAL.total_seconds()
        with self._changed:
            self._changed.wait_for(lambda: not self._leases, until - time.monotonic())
            if not self._leases:
                self._is_running = False
            return self._is_running

    def _renew_all(self) -> None:
        with self._changed:
            now = time.monotonic()
            # A run that hangs keeps its organization no longer than a run may take.
            due = [lease for lease in self._leases if lease.ends_at > now and lease.valid_until > 0.0]
            self._in_hand = due
        try:
            for length in {lease.length for lease in due}:
                renew([lease for lease in due if lease.length == length], length)
        except (DatabaseError, InterfaceError) as error:
            log.warning("could not renew the leases of %s runs: %s", len(due), type(error).__name__)
            connection.close()
        finally:
            with self._changed:
                self._in_hand = []
                self._changed.notify_all()


def renew(leases: list[Kept], length: timedelta) -> None:
    """All in one statement. One that somebody has taken over is not valid any more."""
    before = time.monotonic()
    holders = [lease.holder for lease in leases]
    rows = Destination.objects.filter(lease_holder__in=holders)
    count = rows.update(lease_expires_at=Now() + length)
    held = set(holders) if count == len(holders) else set(rows.values_list("lease_holder", flat=True))
    for lease in leases:
        if lease.holder not in held:
            lease.valid_until = 0.0
        elif lease.valid_until > 0.0:  # not released meanwhile
            lease.valid_until = before + length.total_seconds()


keeper = Keeper()
