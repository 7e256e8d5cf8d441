"""What rows were before they changed, for the line that will tell of it.

Kept for as long as the request lasts or, outside of one, the transaction: a line takes what is kept of its row, and
what no line asks for is forgotten. Rows that are saved one by one come here by themselves; who writes many at once, or
past `save`, says so by `remember`.
"""

from collections.abc import Iterable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Model
from django.db.models.signals import m2m_changed, pre_save

from audit.changes import Change
from audit.kinds import Kind, kind_of
from audit.rows import Seen, look_at

Key = tuple[str, str]


@dataclass
class Kept:
    """By label and id: rows as they were, None for what was not there; what else a line is to tell; its run."""

    rows: dict[Key, Seen | None] = field(default_factory=dict)
    more: dict[Key, list[Change]] = field(default_factory=dict)
    runs: dict[Key, str] = field(default_factory=dict)
    # The transaction that it is of, where there is no request.
    block: object = None


_kept: ContextVar[Kept | None] = ContextVar("kept", default=None)


def begin() -> Token[Kept | None]:
    return _kept.set(Kept())


def end(token: Token[Kept | None]) -> None:
    _kept.reset(token)


def _here() -> Kept | None:
    """None where nothing holds together what is done now and the line that comes later."""
    kept = _kept.get()
    if kept is not None and kept.block is None:
        return kept
    blocks = connection.atomic_blocks
    if not blocks:
        return None
    if kept is None or kept.block is not blocks[0]:
        kept = Kept(block=blocks[0])
        _kept.set(kept)
    return kept


def remember(rows: Iterable[Model]) -> None:
    """Of rows of one kind, before they change or go. One statement for each five hundred that are not known yet."""
    listed, kept = list(rows), _here()
    kind = kind_of(type(listed[0])) if listed else None
    if kind is not None and kept is not None:
        _remember(kept, kind, [str(row.pk) for row in listed])


def _remember(kept: Kept, kind: Kind, ids: Iterable[str]) -> None:
    unknown = [id_ for id_ in ids if (kind.label, id_) not in kept.rows]
    found = look_at(kind, unknown) if unknown else {}
    kept.rows |= {(kind.label, id_): found.get(id_) for id_ in unknown}


def tell_also(row: Model, *changes: Change) -> None:
    """What the next line of the row is to tell besides its own fields."""
    if (kept := _here()) is not None:
        kept.more.setdefault(_key(row), []).extend(changes)


def tell_run(row: Model, run_id: object) -> None:
    """The run that the next line of the row has started or ended."""
    if (kept := _here()) is not None:
        kept.runs[_key(row)] = str(run_id)


def _key(row: Model) -> Key:
    kind = kind_of(type(row))
    return (kind.label if kind else row._meta.label_lower), str(row.pk)


def take(kind: Kind, id_: str) -> tuple[Seen | None, list[Change], str]:
    """What is kept of a row, once: as it was, what else there is to tell, its run."""
    kept, key = _here(), (kind.label, id_)
    if kept is None:
        return None, [], ""
    return kept.rows.pop(key, None), kept.more.pop(key, []), kept.runs.pop(key, "")


def watch(kind: Kind) -> None:
    """Remembers rows of that kind as they are saved."""
    pre_save.connect(_on_save, sender=kind.model, dispatch_uid=f"audit.before.{kind.label}")
    for lookup in kind.many.values():
        through = getattr(kind.model, lookup.partition("__")[0]).through
        m2m_changed.connect(_on_relation, sender=through, dispatch_uid=f"audit.before.{kind.label}.{lookup}")


def _on_save(*, sender: type[Model], instance: Model, raw: bool, update_fields: Any, **_: Any) -> None:
    kind = kind_of(sender)
    if raw or kind is None or instance._state.adding:
        return
    if update_fields is None or not kind.columns.isdisjoint(update_fields):
        remember([instance])


def _on_relation(*, instance: Model, action: str, reverse: bool, **_: Any) -> None:
    if action.startswith("pre_") and not reverse:
        remember([instance])
