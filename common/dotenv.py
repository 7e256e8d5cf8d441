"""Reads the text of a `.env` file. Pure; what is wrong or worth a look is told by line, never by what the line holds.

KEY=value # comment      up to the comment, without the spaces around it
export KEY=value         the same
KEY='value'  KEY=`value` as it is, over several lines if need be
KEY="value"              the same, with \\n \\r \\t \\" \\\\ and \\$ replaced by what they stand for
# text                   directly above a key: its comment, but for a line that has a KEY=value itself

Of a key that stands there twice the last counts.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from common.key_material import looks_like_key_material
from common.lookalikes import describe_format, end_of_material, is_key_material

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
EXPORT = re.compile(r"^export[ \t]+")
ASSIGNMENT = re.compile(r"(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_.-]*[ \t]*=")
ASSIGNMENT_WITHIN = re.compile(r"(?<=[ \t])[A-Za-z_][A-Za-z0-9_.-]*=")
QUOTED = {
    '"': re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL),
    "'": re.compile(r"'([^']*+)'"),
    "`": re.compile(r"`([^`]*+)`"),
}
TYPOGRAPHIC = "“”„‟‘’‚‛«»‹›"
COMMENT = re.compile(r"(?:^|(?<=[ \t]))#")
SPACES = re.compile(r"[ \t]")
NAME = re.compile(r"[A-Za-z0-9_.-]+")
LONGEST_SHOWN = 40
MOST_EARLIER = 8
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
ESCAPED_DOLLAR = re.compile(r"(?<!\\)\\\$(?=\{)")
# Stands for a dollar sign that is meant as one, until the value is written down.
DOLLAR = "\0"

CUT = "The text from # on was left out. Put quotes around the value if it belongs to it."
NO_TEXT = "This is no text: it has a NUL character. Save it as UTF-8, then try again."
NO_KEY = "Expected KEY=value. A value over several lines needs quotes around it."
BAD_KEY = "{name}, before the =, can't be a key. It starts with a letter or _, then letters, digits, _, - and dots."
NOT_CLOSED = "The quote of {key}, which opens here, is never closed. Nothing after it was read."
CLOSED_LATER = (
    "The quote of {key} opens here and closes on line {last} only, within what looks like another KEY=value. Close it "
    "on line {line}."
)
AFTER_QUOTE = (
    "There is text after the closing quote of {key}. Quotes within the value need a backslash before them.{opened}"
)
MATERIAL = (
    'This looks like key material without quotes around it, up to line {last}. Write KEY="…", quotes at both ends.'
)
KEY_MATERIAL = "The name before the = looks like key material, and names are shown in clear. Write KEY=value."


@dataclass(frozen=True)
class LineError:
    line: int
    message: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.message}"


@dataclass(frozen=True)
class Entry:
    """One key as it was read; `notes` are sentences. In `raw` a DOLLAR stands for each `$` that can be no reference."""

    key: str
    line: int
    last_line: int
    raw: str = field(repr=False)
    comment: str = ""
    notes: tuple[str, ...] = ()
    # Lines where the key stands too, and does not count: the first few of them, and the last.
    earlier_lines: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        return self.raw.replace(DOLLAR, "$")


@dataclass
class Parsed:
    """What could be read, by key, and what could not."""

    entries: dict[str, Entry] = field(default_factory=dict)
    errors: list[LineError] = field(default_factory=list)

    @property
    def texts(self) -> dict[str, str]:
        return {key: entry.text for key, entry in self.entries.items()}


def parse(text: str) -> Parsed:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parsed = Parsed()
    if "\0" in text:
        parsed.errors.append(LineError(text.count("\n", 0, text.index("\0")) + 1, NO_TEXT))
        return parsed
    if other := describe_format(text):
        parsed.errors.append(LineError(*other))
        return parsed
    for found in _read(text):
        if isinstance(found, LineError):
            parsed.errors.append(found)
        else:
            _add(parsed, found)
    parsed.entries = {key: _noted(entry) for key, entry in parsed.entries.items()}
    return parsed


def _add(parsed: Parsed, entry: Entry) -> None:
    before = parsed.entries.pop(entry.key, None)
    if before is not None:
        # Of very many the first few and the last: all of them again for each would take long.
        earlier = (*before.earlier_lines[:MOST_EARLIER], before.line)
        entry = replace(entry, comment=entry.comment or before.comment, earlier_lines=earlier)
    parsed.entries[entry.key] = entry


def _noted(entry: Entry) -> Entry:
    """With a note of the lines where its key stands too."""
    lines = entry.earlier_lines
    if not lines:
        return entry
    where = " and ".join(map(str, lines)) if len(lines) <= MOST_EARLIER else f"{lines[0]} to {lines[-1]}, many times,"
    note = f"{entry.key} is on line{'s' if len(lines) > 1 else ''} {where} too. This one, the last, counts."
    return replace(entry, notes=(note, *entry.notes))


def _read(text: str) -> Iterator[Entry | LineError]:
    at, counted, line = 0, 0, 1
    comments: list[str] = []
    while at < len(text):
        line += text.count("\n", counted, at)
        counted = at
        content = text[at : _end_of_line(text, at)].strip()
        if not content or content.startswith("#"):
            if content:
                comments.extend(_comment_of(content))
            else:
                comments.clear()
            at = _end_of_line(text, at) + 1
            continue
        try:
            entry, at = _read_entry(text, at, line, comments)
            yield entry
        except _Refused as refused:
            yield refused.error
            at = refused.end
        comments.clear()


def _comment_of(line: str) -> list[str]:
    """The text of a comment's line; none of a banner, of a key that was commented out, or of key material."""
    text = line.lstrip("#").strip()
    text = "".join(char for char in text if char == "\t" or unicodedata.category(char) != "Cc")
    is_kept = any(map(str.isalnum, text)) and not ASSIGNMENT.match(text) and not is_key_material(text)
    return [text] if is_kept else []


class _Refused(Exception):
    """An entry that can't be read, and where the text goes on after it."""

    def __init__(self, line: int, message: str, end: int) -> None:
        super().__init__(message)
        self.error = LineError(line, message)
        self.end = end


def _read_entry(text: str, at: int, line: int, comments: list[str]) -> tuple[Entry, int]:
    """The entry that starts at a line, and where the next line starts."""
    end = _end_of_line(text, at)
    content = text[at:end]
    if after := end_of_material(text, at):
        last = line + text[at:after].rstrip("\n").count("\n")
        raise _Refused(line, MATERIAL.format(last=last), after)
    before, equals, rest = content.partition("=")
    key = EXPORT.sub("", before.strip())
    if not equals or not KEY.fullmatch(key):
        raise _Refused(line, BAD_KEY.format(name=_shown(before.strip())) if equals else NO_KEY, end + 1)
    if looks_like_key_material(key) or set(rest.strip()) == {"="}:
        raise _Refused(line, KEY_MATERIAL, end + 1)
    if rest.strip()[:1] in QUOTED:
        raw, end, notes = _read_quoted(text, end - len(rest.lstrip()), line, key=key)
    else:
        raw, notes = _read_plain(rest)
    last_line = line + text.count("\n", at, end)
    return Entry(key, line, last_line, raw, "\n".join(comments), tuple(notes)), end + 1


def _read_plain(rest: str) -> tuple[str, list[str]]:
    """The value without quotes, and what is worth a look."""
    comment = COMMENT.search(rest)
    value = rest[: comment.start() if comment else None].strip()
    notes = []
    if comment:
        notes.append(CUT)
    if ASSIGNMENT_WITHIN.search(value):
        notes.append("What looks like a second KEY= is part of the value. Put each on a line of its own.")
    elif SPACES.search(value):
        notes.append("The value has spaces and no quotes; it goes on to the end of the line.")
    if value and (value[0] in TYPOGRAPHIC or value[-1] in TYPOGRAPHIC):
        notes.append("The typographic quotes are part of the value. Type straight ones to have them taken as quotes.")
    return ESCAPED_DOLLAR.sub(DOLLAR, value), notes


def _shown(name: str) -> str:
    """What stands where a key should, if it is surely none of a value's: a few words, as names have them."""
    words = name.split()
    is_name = 0 < len(name) <= LONGEST_SHOWN and all(NAME.fullmatch(word) for word in words)
    return f"“{name}”" if is_name and not any(map(looks_like_key_material, words)) else "What stands"


def _read_quoted(text: str, at: int, line: int, *, key: str) -> tuple[str, int, list[str]]:
    """The value within quotes, where its last line ends, and what is worth a look."""
    quote = text[at]
    match = QUOTED[quote].match(text, at)
    if match is None:
        # What follows can't be told apart from the value, so nothing after this is read.
        raise _Refused(line, NOT_CLOSED.format(key=key), len(text))
    end = _end_of_line(text, match.end())
    last, rest = line + match[0].count("\n"), text[match.end() : end].strip()
    if rest and not rest.startswith("#"):
        if last > line and _holds_assignment(match[1]):
            raise _Refused(line, CLOSED_LATER.format(key=key, last=last, line=line), _end_of_line(text, at) + 1)
        opened = f" It opened on line {line}: is it closed there?" if last > line else ""
        raise _Refused(last, AFTER_QUOTE.format(key=key, opened=opened), end + 1)
    notes = _describe_lines(match[1], line, last)
    if quote == '"':
        return ESCAPED.sub(_unescape, match[1]), end, notes
    return match[1].replace("$", DOLLAR), end, notes


def _unescape(escaped: re.Match[str]) -> str:
    return DOLLAR if escaped[1] == "$" else ESCAPES.get(escaped[1], escaped[0])


def _describe_lines(value: str, line: int, last: int) -> list[str]:
    if last == line:
        return []
    notes = [f"The value goes from line {line} to line {last}."]
    if _holds_assignment(value):
        notes.append("Within it there are lines that look like KEY=value. Is a quote missing?")
    return notes


def _holds_assignment(value: str) -> bool:
    """Whether one of its lines, but for the first, looks like KEY=value."""
    return any(ASSIGNMENT.match(within.strip()) for within in value.split("\n")[1:])


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
