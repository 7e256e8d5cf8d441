"""Who reads a project. The readers are known to the floor above, which registers how to find them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sources.protocol import Place
from vault.models import Project


@dataclass(frozen=True)
class Reader:
    """What reads a place, with those below it if it is `recursive`, and the page that shows it; whether whoever asks
    may see it."""

    name: str
    url: str
    place: Place
    recursive: bool
    is_seen: bool = True

    def reads(self, place: Place) -> bool:
        return self.place == place or (self.recursive and self.place.contains(place))


Find = Callable[[Project, Any], Iterable[Reader]]
_finders: list[Find] = []


def register_readers(find: Find) -> None:
    if find not in _finders:
        _finders.append(find)


def readers_of(project: Project, user: Any) -> list[Reader]:
    """All of them: those that the user may not see are for counting."""
    return [reader for find in _finders for reader in find(project, user)]
