"""What a list is asked for by its address, and what no list takes."""

import re
from urllib.parse import parse_qs


class QueryRefused(Exception):
    """A parameter that no list takes; with its name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name, self.reason = name, reason


def asked_for(query: str) -> tuple[int, str]:
    """How many items of a list, and after which cursor, "" from the beginning. Raises QueryRefused."""
    asked = parse_qs(query)
    first = asked.get("first", ["100"])[-1]
    if not (re.fullmatch("[0-9]{1,9}", first) and 1 <= int(first) <= 200):
        raise QueryRefused("first", "Input should be a whole number from 1 to 200")
    return int(first), asked.get("after", [""])[-1]


class CursorUnknown(QueryRefused):
    """A cursor that no page has given."""

    def __init__(self) -> None:
        super().__init__("after", "Value error, this is not a cursor of this list")
