"""Why the request being served was refused: noted where it is found out, for the audit log's line about it."""

from collections.abc import Iterable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any


@dataclass
class Refusal:
    """The rights that were missing, as Django names them, and where: `vault.access.Place`, None for everywhere."""

    permissions: tuple[str, ...] = ()
    place: Any = None


_refusal: ContextVar[Refusal | None] = ContextVar("refusal", default=None)


def begin() -> Token[Refusal | None]:
    return _refusal.set(Refusal())


def end(token: Token[Refusal | None]) -> None:
    _refusal.reset(token)


def note_lacking(permissions: Iterable[str], place: Any = None) -> None:
    """The last word counts: what was looked at before it did not end the request."""
    if (refusal := _refusal.get()) is not None:
        refusal.permissions, refusal.place = tuple(permissions), place


def current_refusal() -> Refusal:
    return _refusal.get() or Refusal()
