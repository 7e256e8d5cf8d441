"""Who is in which wave. Pure."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def waves_of(canaries: Sequence[T], others: Sequence[T], *, size: int) -> list[list[T]]:
    """The canaries first, all at once; then the others, so many at a time. A size of 0: all of them at once."""
    step = size or max(1, len(others))
    rest = [list(others[start : start + step]) for start in range(0, len(others), step)]
    return [list(canaries), *rest] if canaries else rest
