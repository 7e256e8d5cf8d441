"""Where each app says, once for each kind of row, what the log tells of it: in its `audited.py`."""

from collections.abc import Mapping, Sequence

from django.db.models import Model

from audit import before, kinds
from audit.kinds import Kind


def register(
    model: type[Model],
    *fields: str,
    named: Mapping[str, str] | None = None,
    versions: Mapping[str, str] | None = None,
    hidden: Mapping[str, str] | None = None,
    many: Mapping[str, str] | None = None,
    place: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> None:
    """`fields` are told by the words that their columns have, `named` by other words. See `Kind` for the rest."""
    told = {_words(model, lookup): lookup for lookup in fields} | dict(named or {})
    kind = Kind(model, told, versions or {}, hidden or {}, many or {}, place or {}, arguments)
    kinds.add(kind)
    before.watch(kind)


def leave_out(*models: type[Model]) -> None:
    """Says of kinds of rows that no line tells what changed in them: it stands in the line of another, or nobody
    changes them by hand."""
    for model in models:
        kinds.leave_out(model)


def _words(model: type[Model], lookup: str) -> str:
    column = model._meta.get_field(lookup.partition("__")[0])
    return str(getattr(column, "verbose_name", column.name))
