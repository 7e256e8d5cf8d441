"""Writes a line. In the transaction of what it tells of, so that the one is kept exactly if the other is."""

from collections.abc import Sequence
from contextvars import ContextVar

from audit.models import REFUSALS, Action, Entry, Outcome
from common.clients import current_client, current_program
from common.request_ids import current_request_id

# The ids of the lines that the request being served has written.
written: ContextVar[tuple[int, ...]] = ContextVar("written", default=())
# Ids a statement: every database takes this many parameters.
FEW = 500


def note(
    actor: str,
    action: Action,
    *,
    kind: str = "",
    object_id: object = "",
    name: str = "",
    detail: str = "",
    **more: str,
) -> Entry:
    """`more` are columns of the place, the outcome and what was lacking."""
    entry = line(actor, action, kind=kind, object_id=object_id, name=name, detail=detail, **more)
    note_many([entry])
    return entry


def note_many(entries: Sequence[Entry]) -> None:
    """As few statements as of one, for each chunk of them."""
    Entry.objects.bulk_create(entries)
    written.set((*written.get(), *(entry.pk for entry in entries)))


def stands() -> bool:
    """Whether a line of this request is there still: what was undone has taken along the lines that told of it."""
    ids = written.get()[-FEW:]
    return Entry.objects.filter(pk__in=ids, request_id=current_request_id()).exists()


def line(
    actor: str,
    action: Action,
    *,
    kind: str = "",
    object_id: object = "",
    name: str = "",
    detail: str = "",
    outcome: str = "",
    **more: str,
) -> Entry:
    """A line that is not written yet."""
    return Entry(
        actor=actor[:150],
        action=action,
        kind=kind[:64],
        object_id=str(object_id)[:64],
        name=name[:200],
        detail=detail,
        address=current_client()[:45],
        request_id=current_request_id(),
        token=current_program()[:150],
        outcome=outcome or (Outcome.REFUSED if action in REFUSALS else Outcome.DONE),
        **Entry.fitting(more),
    )
