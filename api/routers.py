"""Routers of the floors above. The API serves them like its own: one document, the same tokens, limits and errors."""

from collections.abc import Callable, Iterator, Sequence

from ninja import Router

Routers = Sequence[tuple[str, Router]]

_finders: dict[str, Callable[[], Routers]] = {}


def register_routers(name: str, find: Callable[[], Routers]) -> None:
    """Called by an app in its `ready()`. `find` is asked once, where the API is put together, which not every process
    does: prefixes below `/api`, and their routers."""
    _finders[name] = find


def registered_routers() -> Iterator[tuple[str, Router]]:
    for find in _finders.values():
        yield from find()
