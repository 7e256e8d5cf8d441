"""Reads the text of a `.env` file. Pure; what is wrong is told by line and never by what the line holds.

KEY=value # comment      up to the comment, without the spaces around it
export KEY=value         the same
KEY='value'  KEY=`value` as it is, over several lines if need be
KEY="value"              the same, with \\n \\r \\t \\" \\\\ and \\$ replaced by what they stand for
"""

import re
from dataclasses import dataclass, field

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"'([^']*)'"),
    "`": re.compile(r"`([^`]*)`"),
}
COMMENT = re.compile(r"(?:^|[ \t])#")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}

NO_KEY = "Expected KEY=value. A value over several lines needs quotes around it."
BAD_KEY = "The key, before the =, starts with a letter or _, then letters, digits, _, - and dots."
NOT_CLOSED = "The quote that opens here is never closed."
AFTER_QUOTE = "There is text after the closing quote. Quotes within the value need a backslash before them."


@dataclass(frozen=True)
class LineError:
    line: int
    message: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.message}"


@dataclass
class Parsed:
    """What could be read, by key, and what could not."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    errors: list[LineError] = field(default_factory=list)


def parse(text: str) -> Parsed:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parsed = Parsed()
    lines: dict[str, int] = {}
    at, counted, line = 0, 0, 1
    while at < len(text):
        line += text.count("\n", counted, at)
        counted = at
        try:
            key, value, at = _read_entry(text, at, line)
        except _Refused as refused:
            parsed.errors.append(refused.error)
            at = refused.end
            continue
        if key in lines:
            parsed.errors.append(LineError(line, f"{key} is on line {lines[key]} already. Keep one of them."))
        elif key:
            lines[key] = line
            parsed.values[key] = value
    return parsed


class _Refused(Exception):
    """An entry that can't be read, and where the text goes on after it."""

    def __init__(self, line: int, message: str, end: int) -> None:
        super().__init__(message)
        self.error = LineError(line, message)
        self.end = end


def _read_entry(text: str, at: int, line: int) -> tuple[str, str, int]:
    """The key and value that start at a line, and where the next line starts; no key for an empty line or a comment."""
    end = _end_of_line(text, at)
    content = text[at:end].strip()
    if not content or content.startswith("#"):
        return "", "", end + 1
    before, equals, after = text[at:end].partition("=")
    key = re.sub(r"^export[ \t]+", "", before.strip())
    if not equals or not KEY.fullmatch(key):
        raise _Refused(line, BAD_KEY if equals else NO_KEY, end + 1)
    if after.strip()[:1] in QUOTED:
        return key, *_read_quoted(text, end - len(after.lstrip()), line)
    comment = COMMENT.search(after)
    return key, after[: comment.start() if comment else None].strip(), end + 1


def _read_quoted(text: str, at: int, line: int) -> tuple[str, int]:
    quote = text[at]
    match = QUOTED[quote].match(text, at)
    if match is None:
        # What follows can't be told apart from the value, so nothing after this is read.
        raise _Refused(line, NOT_CLOSED, len(text))
    end = _end_of_line(text, match.end())
    rest = text[match.end() : end].strip()
    if rest and not rest.startswith("#"):
        raise _Refused(line + match[0].count("\n"), AFTER_QUOTE, end + 1)
    if quote == '"':
        return ESCAPED.sub(lambda escaped: ESCAPES.get(escaped[1], escaped[0]), match[1]), end + 1
    return match[1], end + 1


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
