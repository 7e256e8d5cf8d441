"""Writes the text of a `.env` file, such that `common.dotenv` and other readers take from it what was meant. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,-]*")
# What single quotes can't hold: themselves, and a line end that readers take for another.
NOT_SINGLE = re.compile(r"['\r]")
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
ESCAPES_OF_TEXT = {**ESCAPES, ord("$"): "\\$"}


@dataclass(frozen=True)
class Line:
    """One key to write. In the value of a `text`, `${…}` is no reference."""

    key: str
    value: str = field(repr=False)
    is_text: bool
    comment: str = ""


def write(lines: Iterable[Line]) -> str:
    return "".join(f"{_comment(line.comment)}{line.key}={_quoted(line)}\n" for line in lines)


def _comment(comment: str) -> str:
    return "".join(f"# {line}\n" for line in comment.split("\n")) if comment else ""


def _quoted(line: Line) -> str:
    if PLAIN.fullmatch(line.value):
        return line.value
    if line.is_text and not NOT_SINGLE.search(line.value):
        return f"'{line.value}'"
    return f'"{line.value.translate(ESCAPES_OF_TEXT if line.is_text else ESCAPES)}"'
