"""What applying a document would do in Devin, sync by sync. Nothing is saved, there or here."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from connections.devin.app import PATIENCE_FOR_A_LIST
from connections.devin.errors import DevinError
from connections.models import Connection
from encryption import DecryptionError
from syncs.editing.crossings import Crossing, crossings
from syncs.editing.declaration import DELETE, Comparison, Difference
from syncs.editing.moves import Place
from syncs.engine.preview import Preview, preview
from syncs.errors import SyncError
from syncs.models import DevinSync


@dataclass(frozen=True)
class Outlook:
    """What a sync of a document would do: either its plan, or the problem that kept it from being drawn; a sync that
    is deleted has neither. `removed` are the keys that would go from the organization that it leaves."""

    crossings: tuple[Crossing, ...] = ()
    removed: tuple[str, ...] = ()
    preview: Preview | None = None
    problem: str = ""


# All plans of a document together: who asks for them is still there to hear the answer, also where Devin is silent.
TOGETHER = timedelta(seconds=45)
LEAST = timedelta(seconds=1)
TOO_LATE = (
    f"Its plan was not drawn: the syncs before it took the {TOGETHER.seconds} seconds that all plans have together. "
    "Try again, or compare fewer syncs at once."
)


def outlooks(
    comparison: Comparison,
    *,
    removes_secrets: bool,
    hindrance: Callable[[Difference], str] = lambda _: "",
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[Difference, Outlook | None]]:
    """Beside each difference; None for what is no sync. `hindrance`: why this one's plan must not be drawn, if so.

    Asks Devin, so never within a transaction.
    """
    ends_at = clock() + TOGETHER.total_seconds()
    for difference in comparison.differences:
        if isinstance(difference.row, Connection) and difference.api_key is not None:
            # Syncs of the document look through it, by the key that would be stored.
            difference.row.set_api_key(difference.api_key)
    for difference in comparison.differences:
        row = difference.row
        if not isinstance(row, DevinSync):
            yield difference, None
        elif problem := hindrance(difference):
            yield difference, Outlook(problem=problem)
        else:
            goes = difference.action == DELETE
            patience = _share(timedelta(seconds=ends_at - clock()))
            yield difference, outlook(row, goes=goes, removes_secrets=removes_secrets, patience=patience)


def _share(left: timedelta) -> timedelta:
    """A plan asks the source, and then Devin, with as much patience for each."""
    return min(PATIENCE_FOR_A_LIST, left / 2)


def outlook(sync: DevinSync, *, goes: bool, removes_secrets: bool, patience: timedelta) -> Outlook:
    """`goes`: the sync would be deleted."""
    before = DevinSync.objects.with_source().select_related("connection").filter(pk=sync.pk).first()
    crossed: tuple[Crossing, ...] = ()
    removed: tuple[str, ...] = ()
    if before is not None:
        crossed = tuple(crossings(before, sync))
        leaves = goes or not Place.of(before).is_same_organization(Place.of(sync))
        removed = _keys_of(before) if leaves and removes_secrets else ()
    if goes:
        return Outlook(crossed, removed)
    if patience < LEAST:
        return Outlook(crossed, removed, problem=TOO_LATE)
    try:
        return Outlook(crossed, removed, preview(sync, patience=patience))
    except (SyncError, DevinError, DecryptionError) as error:
        return Outlook(crossed, removed, problem=str(error))


def _keys_of(sync: DevinSync) -> tuple[str, ...]:
    rows = Place.of(sync).secrets_of(sync).order_by("destination_key")
    return tuple(rows.values_list("destination_key", flat=True))
