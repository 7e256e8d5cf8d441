"""Where runs meet the waves in which changes of some syncs go out. Who forms the waves stands above: a conductor.

A sync that `goes_in_waves` asks for its turn where another one would run, in the transaction of the change; and a run
of it that finds a change by itself asks, too, and writes nothing. Who has been asked is the row itself, so that no
turn is lost: the conductor is told once that is committed, and looks for those that ask by itself.
"""

from collections.abc import Collection
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction

from syncs.choices import OPEN_STATUSES, AsksForWave, Operation
from syncs.models import DevinSync, SyncRun


class Conductor(Protocol):
    """Is told, outside of any transaction, that these syncs ask for their turn, or that a run of them has ended."""

    def __call__(self, sync_ids: Collection[UUID], *, user: Any = None) -> object: ...


def leave_alone(sync_ids: Collection[UUID], *, user: Any = None) -> None:
    """Without a conductor they wait."""


_conductor: list[Conductor] = [leave_alone]


def register_conductor(conductor: Conductor) -> None:
    _conductor[:] = [conductor]


def ask(sync_ids: Collection[UUID], *, why: AsksForWave, user: Any = None) -> None:
    """Under the locks of these syncs. Whatever had its turn by then loses it with a new change."""
    rows = DevinSync.objects.filter(pk__in=sync_ids)
    if why == AsksForWave.CHANGE:
        rows.update(asks_for_wave=why)
        runs = SyncRun.objects.filter(sync__in=sync_ids, operation=Operation.SYNC, status__in=OPEN_STATUSES)
        runs.filter(is_released=True).update(is_released=False)
    else:
        rows.filter(asks_for_wave="").update(asks_for_wave=why)
    _tell_on_commit(sync_ids, user)


def go_in_waves(sync_id: UUID, on: bool) -> None:
    """Whether changes of it go out in waves from now on."""
    DevinSync.objects.filter(pk=sync_id).update(goes_in_waves=on)


def tell_ended(sync: DevinSync) -> None:
    """A run of it ends in this transaction."""
    if sync.goes_in_waves:
        _tell_on_commit([sync.pk], None)


def _tell_on_commit(sync_ids: Collection[UUID], user: Any) -> None:
    def tell() -> None:
        _conductor[0](sync_ids, user=user)

    transaction.on_commit(tell, robust=True)
