"""References in values: `${KEY}`, `${environment.KEY}`, `${environment.folder.sub.KEY}`.

Pure: text in, text out; knows neither rows nor folders. Errors name the reference, never the text around it.

    ${A}                    the key A of the secret's own folder
    ${dev.A} ${dev.x.y.A}   the key A of the environment dev, in its root and in its folder /x/y
    ${db.host}              the same; but a key `db.host` of the secret's own folder wins
    $${A}                   no reference: the text ${A}. Before a brace each $$ is one $
    ${HOME:-/root} ${ A }   no reference: text as it is, which pages and previews point out
    ${@other.dev.A}         another project, and a reference within a reference: refused when the value is saved
    ${dev.${A}.B}
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vault.limits import LONGEST_FOLDER_NAME, LONGEST_KEY, LONGEST_PATH, LONGEST_SLUG

ESCAPING = "For the text itself write $${…}, or turn references off for this secret."


class BadReference(Exception):
    """Says what is wrong with a reference, as the end of a sentence about its secret."""


# All of these are linear: a run of dollars is looked at from its first one only, and never given back.
OPENING = re.compile(r"(?<!\$)(\$++)\{")
DOLLARS = re.compile(r"(?<!\$)\$++(?=\{)")
INNER = re.compile(r"([^${}]*)(\$\{|\})?")
PLACE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
ELSEWHERE = re.compile(rf"@{PLACE.pattern}")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
EXACT_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
SHOWN = re.compile(r"\s*@?[A-Za-z0-9_.-]{0,64}[^A-Za-z0-9\"'`]{0,3}")


@dataclass(frozen=True, order=True)
class Reference:
    """Where a reference points; no environment and no path mean the folder that the secret is in."""

    key: str
    environment_slug: str = ""
    path: str = ""

    def __str__(self) -> str:
        return "${" + self.inner + "}"

    @property
    def inner(self) -> str:
        folders = self.path.strip("/").replace("/", ".")
        return ".".join(part for part in (self.environment_slug, folders, self.key) if part)

    @property
    def is_weak(self) -> bool:
        """It can be nothing but a key with dots. Where the folder has no such key, it is text."""
        return not self.environment_slug and KEY.fullmatch(self.key) is None


@dataclass(frozen=True)
class _Part:
    """What opens with `${` in a text: `inner` is what stands within, `end` what stands there instead of it going on."""

    start: int
    stop: int
    dollars: int
    inner: str
    end: str | None

    @property
    def is_escaped(self) -> bool:
        return self.dollars % 2 == 0


def find_references(text: str) -> list[Reference]:
    """The references of a text, in order, each once; leaves out what `check_references` refuses."""
    found = (parse_reference(part.inner) for part in _parts(text) if part.end == "}" and not part.is_escaped)
    return list(dict.fromkeys(reference for reference in found if reference))


def parse_reference(inner: str) -> Reference | None:
    """What stands between the braces, as a reference, or None if it can't be one: such a name or place can't exist."""
    if PLACE.fullmatch(inner):
        *place, key = inner.split(".")
        if KEY.fullmatch(key) and len(key) <= LONGEST_KEY and _can_exist(place):
            return Reference(key, place[0], "/" + "/".join(place[1:])) if place else Reference(key)
    if EXACT_KEY.fullmatch(inner) and "." in inner and len(inner) <= LONGEST_KEY:
        return Reference(inner)
    return None


def _can_exist(place: list[str]) -> bool:
    if not place:
        return True
    folders = place[1:]
    return (
        len(place[0]) <= LONGEST_SLUG
        and all(len(folder) <= LONGEST_FOLDER_NAME for folder in folders)
        and len("/" + "/".join(folders)) <= LONGEST_PATH
    )


def check_references(text: str) -> None:
    """Raises BadReference for what can never be resolved and must not be sent half expanded."""
    for part in _parts(text):
        if not part.is_escaped:
            _check(part)


def _check(part: _Part) -> None:
    if part.end == "${":
        raise BadReference(
            f"it has a reference within a reference, {_shown(part.inner)}${{…}}}}, which is not supported"
        )
    if part.end == "}" and ELSEWHERE.fullmatch(part.inner):
        raise BadReference(f"its reference ${{{part.inner}}} is to another project, which is not supported")


def find_lookalikes(text: str) -> list[str]:
    """What looks like a reference and is none, each once, without what a default or a text after its name may tell."""
    found = []
    for part in _parts(text):
        is_reference = part.end == "}" and (parse_reference(part.inner) or ELSEWHERE.fullmatch(part.inner))
        if not part.is_escaped and not is_reference and part.inner.strip():
            found.append(_shown(part.inner) + ("}" if part.end == "}" else ""))
    return list(dict.fromkeys(found))


def _shown(inner: str) -> str:
    """The name that a part starts with; an ellipsis stands for the rest."""
    match = SHOWN.match(inner)
    name = match[0] if match else ""
    return "${" + name + ("" if len(name) == len(inner) else "…")


def expand(text: str, value_of: Callable[[Reference], str | None]) -> str:
    """The text with each reference replaced by what `value_of` answers, taken as it is; None leaves it as text."""
    done, at = [], 0
    for part in _parts(text):
        done += [text[at : part.start], "$" * (part.dollars // 2)]
        at = part.stop
        if part.is_escaped:
            done.append("{")
            continue
        _check(part)
        reference = parse_reference(part.inner) if part.end == "}" else None
        value = value_of(reference) if reference else None
        done.append("${" + part.inner + (part.end or "") if value is None else value)
    return "".join([*done, text[at:]])


def rewrite(text: str, renamed: Callable[[Reference], Reference | None]) -> str:
    """The text with some of its references naming something else; None leaves one as it is, and all else stays."""
    done, at = [], 0
    for part in _parts(text):
        reference = parse_reference(part.inner) if part.end == "}" and not part.is_escaped else None
        new = renamed(reference) if reference else None
        if new is not None:
            done += [text[at : part.start], "$" * (part.dollars - 1), str(new)]
            at = part.stop
    return "".join([*done, text[at:]])


def escape(text: str) -> str:
    """The value that `expand` turns into this text."""
    return DOLLARS.sub(lambda dollars: dollars[0] * 2, text)


def unescape(text: str) -> str:
    """What `escape` was given; of other values, each text with its references unexpanded."""
    return DOLLARS.sub(lambda dollars: "$" * ((len(dollars[0]) + 1) // 2), text)


def _parts(text: str) -> Iterator[_Part]:
    """What opens with `${`, escaped or not. An escaped one ends right there: what is within may have references."""
    at = 0
    while opening := OPENING.search(text, at):
        dollars, stop = len(opening[1]), opening.end()
        inner, end = "", None
        if dollars % 2:
            match = INNER.match(text, stop)
            inner, end = (match[1], match[2]) if match else ("", None)
            stop = match.end() if match else stop
        yield _Part(opening.start(), stop, dollars, inner, end)
        at = stop
