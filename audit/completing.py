"""Completes a line that is not written yet by what is known of its row: where it is, and what became of its fields."""

from audit.before import take
from audit.changes import NOTHING, as_json, compare
from audit.kinds import Kind
from audit.models import Entry
from audit.rows import Seen


def complete(entry: Entry, kind: Kind, now: Seen | None, *, is_new: bool = False, is_gone: bool = False) -> str:
    """`now` is the row as it stands, None if it is not there. Returns the run that followed, "" for none."""
    was, more, run = take(kind, entry.object_id)
    if is_gone:
        # Noted while the row is still there, or once it is not.
        was, now = was or now, None
    elif is_new:
        was = None
    place = (now or was or NOTHING).place
    for name, text in Entry.fitting({**place, **({"run": run} if run else {})}).items():
        setattr(entry, name, text)
    # Of a row that nobody has remembered it is not known what it was.
    is_known = is_new or is_gone or (was is not None and now is not None)
    entry.changes = as_json([*more, *(compare(was, now) if is_known else [])])
    return run
