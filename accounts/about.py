"""What the floors above know of a person, for their page among the users: registered here by who knows it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest


@dataclass(frozen=True)
class Part:
    """A part of the page: a template, and what it is filled with as `part`, by who looks and whom they look at."""

    template: str
    load: Callable[[HttpRequest, User], Any]


_parts: list[Part] = []


def register_part(part: Part) -> None:
    if part not in _parts:
        _parts.append(part)


def parts_about(request: HttpRequest, user: User) -> Iterator[tuple[str, Any]]:
    for part in _parts:
        yield part.template, part.load(request, user)
