"""A whole project as its source stores it, to be copied into the vault: values unexpanded, imports as they are listed.

Whole or an error, like every answer of a source: what may not be read is not left out, but refuses the copy.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from common.key_material import looks_like_key_material
from sources.protocol import EnvironmentEntry, Place

# How far a reading is: a sentence, how many of how many.
Tell = Callable[[str, int, int], None]


# Names are shown as far as a name goes.
LONGEST_SHOWN = 64


def shown(key: str) -> str:
    """A key for plans and messages: one that looks like key material may be a value in the wrong field."""
    if looks_like_key_material(key):
        return "a name that looks like key material"
    return key if len(key) <= LONGEST_SHOWN else key[:LONGEST_SHOWN] + "…"


@dataclass(frozen=True)
class KeptSecret:
    """One secret. `value` is in the vault's own syntax; `problem` says why it cannot be put so, as a sentence's end."""

    key: str
    value: str = field(repr=False)
    comment: str = field(default="", repr=False)
    is_literal: bool = False
    problem: str = ""
    # By their slugs.
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class KeptFolder:
    """`imports` in the source's order, the last wins."""

    place: Place
    secrets: tuple[KeptSecret, ...] = ()
    imports: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Left:
    """Something that is not carried: where it is, what it is, and why."""

    where: str
    what: str
    why: str


@dataclass(frozen=True)
class Contents:
    """`hidden` may not be read, and so refuses the copy; `left` is nothing that a reader of the project would see."""

    environments: tuple[EnvironmentEntry, ...]
    folders: tuple[KeptFolder, ...]
    hidden: tuple[Left, ...] = ()
    left: tuple[Left, ...] = ()
