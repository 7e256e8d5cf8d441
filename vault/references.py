"""References in values: `${KEY}`, `${environment.KEY}`, `${environment.folder.sub.KEY}`.

Pure: text in, text out; knows neither rows nor folders. Errors name the reference, never the text around it. What only
looks like one, such as the shell's `${HOME:-/root}`, is plain text; what asks for more than there is (another project,
a reference within a reference) is an error, because half of it expanded would be a wrong value.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass


class BadReference(Exception):
    """Says what is wrong with a reference, as the end of a sentence about its secret."""


PLACE = re.compile(r"\$\{([^${}]*)(\$\{|\})?")
REFERENCE = re.compile(r"@?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, order=True)
class Reference:
    """Where a reference points; no environment and no path mean the folder that the secret is in."""

    key: str
    environment_slug: str = ""
    path: str = ""

    def __str__(self) -> str:
        folders = self.path.strip("/").replace("/", ".")
        return "${" + ".".join(part for part in (self.environment_slug, folders, self.key) if part) + "}"


def find_references(text: str) -> list[Reference]:
    """The references of a text, in order, each once; leaves out what `expand` refuses."""
    found = (parse_reference(match[1]) for match in PLACE.finditer(text) if match[2] == "}")
    return list(dict.fromkeys(reference for reference in found if reference))


def parse_reference(inner: str) -> Reference | None:
    """What stands between the braces, as a reference, or None if it is not one."""
    if not REFERENCE.fullmatch(inner) or inner.startswith("@"):
        return None
    *place, key = inner.split(".")
    if not KEY.fullmatch(key):
        return None
    if not place:
        return Reference(key)
    return Reference(key, place[0], "/" + "/".join(place[1:]))


def expand(text: str, value_of: Callable[[Reference], str]) -> str:
    """The text with each reference replaced by what `value_of` answers; its answers are taken as they are."""

    def replace(match: re.Match[str]) -> str:
        inner, end = match[1], match[2]
        if end == "${":
            raise BadReference("it has a reference within a reference, which is not supported")
        if end is None or not REFERENCE.fullmatch(inner):
            return match[0]
        if inner.startswith("@"):
            raise BadReference(f"its reference ${{{inner}}} is to another project, which is not supported")
        reference = parse_reference(inner)
        return value_of(reference) if reference else match[0]

    return PLACE.sub(replace, text)
