"""What a list of secrets must look like to be believed, and what becomes of it. Pure.

The server never merges: own secrets and each import come apart. Own ones win, and of imports the last. A server of 2024
leaves `workspace` empty in imported rows, and says nothing of hidden values.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sources.protocol import Place, SourceSecret

SHARED, PERSONAL = "shared", "personal"
MASK = "<hidden-by-infisical>"
# What the server takes for a reference: a name, perhaps behind environment, folders or @project. `${}` is none, and
# neither is `${NAME:-default}`.
REFERENCE = re.compile(r"\$\{\s*[\w.@/-]+\s*\}")
# Whoever may tag a secret in Infisical says so that its text means what it says.
LITERAL = "devinsync-literal"


class Unbelievable(ValueError):
    """Says what is wrong with an answer, and never repeats a value. `advice` is what to do, if that is known."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.advice = advice


@dataclass(frozen=True)
class Row:
    key: str
    value: str = field(repr=False)
    place: Place
    id: str = ""
    is_literal: bool = False
    comment: str = field(default="", repr=False, compare=False)
    # None where the answer does not tell: an old server leaves them out of what is imported.
    tags: frozenset[str] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Block:
    """One import, as it was answered."""

    place: Place
    rows: tuple[Row, ...]


# Where each folder imports from, in order.
Imports = Mapping[Place, Sequence[Place]]


@dataclass(frozen=True)
class Listed:
    rows: tuple[Row, ...]
    blocks: tuple[Block, ...]

    @property
    def is_empty(self) -> bool:
        return not self.rows and not self.blocks


def parse(data: dict[str, Any], *, project_id: str, place: Place, recursive: bool, values: bool = True) -> Listed:
    """Raises Unbelievable. Without `values` nothing is looked at but names."""
    reading = Reading(project_id, values)
    rows = tuple(reading.own(list_in(data, "secrets"), place, recursive=recursive))
    blocks = tuple(reading.block(each) for each in list_in(data, "imports"))
    return Listed(rows, blocks)


def merge(listed: Listed, imports: Imports) -> list[Row]:
    """By key: each folder's own secrets, then what its imports add, the last one first.

    `imports` are those of each folder. A key that means two secrets, in one folder or in two, is Unbelievable. What is
    answered and no folder says to import, as of a replicated import, adds what is not there.
    """
    blocks = _by_place(listed.blocks)
    found: dict[str, Row] = {}
    for visible in _by_folder(listed.rows, blocks, imports):
        for row in visible:
            if (other := found.setdefault(row.key, row)) != row:
                raise _twice(row, other)
    claimed = {place for sources in imports.values() for place in sources}
    for block in reversed(listed.blocks):
        for row in block.rows if block.place not in claimed else ():
            found.setdefault(row.key, row)
    return [found[key] for key in sorted(found)]


def _by_place(blocks: Iterable[Block]) -> dict[Place, Block]:
    """One that several folders import comes once for each of them."""
    found: dict[Place, Block] = {}
    for block in blocks:
        if found.setdefault(block.place, block) != block:
            raise Unbelievable(f"the import of {block.place} comes twice, and not with the same secrets")
    return found


def _by_folder(rows: Iterable[Row], blocks: Mapping[Place, Block], imports: Imports) -> Iterator[Iterable[Row]]:
    own: dict[Place, dict[str, Row]] = {place: {} for place in imports}
    for row in rows:
        there = own.setdefault(row.place, {})
        if row.key in there:
            raise _twice(row, there[row.key])
        there[row.key] = row
    for place, visible in own.items():
        for imported in reversed(imports.get(place, ())):
            for row in blocks[imported].rows if imported in blocks else ():
                visible.setdefault(row.key, row)
        yield visible.values()


def _twice(row: Row, other: Row) -> Unbelievable:
    if row.place == other.place:
        return Unbelievable(f"the key {row.key} comes twice from {row.place}")
    return Unbelievable(
        f"the key {row.key} stands in {_told(other.place, row.place)} and in {_told(row.place, other.place)}",
        "Rename one of them in Infisical, or sync without subfolders.",
    )


def _told(place: Place, beside: Place) -> str:
    return place.path if place.environment_slug == beside.environment_slug else str(place)


def as_secrets(rows: Iterable[Row], *, tags: bool = False) -> list[SourceSecret]:
    """Raises Unbelievable for a value in which the server left a reference that leads nowhere, and with `tags` for a
    secret of which it does not tell them."""
    return [_as_secret(row, tags_of(row) if tags else frozenset()) for row in rows]


def tags_of(row: Row) -> frozenset[str]:
    if row.tags is None:
        raise Unbelievable(
            f"it does not tell the tags of {row.key}, which comes from {row.place}",
            "This server tells none of imported secrets: update Infisical, or choose by keys instead of tags.",
        )
    return row.tags


def _as_secret(row: Row, tags: frozenset[str]) -> SourceSecret:
    left = tuple(dict.fromkeys(REFERENCE.findall(row.value)))
    if left and not row.is_literal:
        raise Unbelievable(
            f"the value of {row.key} in {row.place} still holds a reference that leads nowhere, or in a circle",
            f"Mend the reference there; if the text is meant as it is, give the secret the tag {LITERAL} in Infisical.",
        )
    place = row.place
    return SourceSecret(row.key, row.value, place.environment_slug, place.path, row.id, comment=row.comment, tags=tags)


@dataclass(frozen=True)
class Reading:
    project_id: str
    values: bool

    def own(self, items: Sequence[Any], place: Place, *, recursive: bool) -> Iterator[Row]:
        for item in self._shared(items):
            path = item.get("secretPath")
            if recursive and not isinstance(path, str):
                raise Unbelievable("a secret of a subfolder does not say where it stands")
            at = Place(place.environment_slug, _path(path)) if isinstance(path, str) else place
            if at != place and not (recursive and place.contains(at)):
                raise Unbelievable(f"it has secrets of {at}, which was not asked for")
            yield self._row(item, at, needs_project=True)

    def block(self, given: Any) -> Block:
        """A replicated import has its secrets in a reserved folder, whose path is told in place of the source's."""
        block = _object(given, "an import")
        environment, path = block.get("environment"), block.get("secretPath")
        if not isinstance(environment, str) or not environment or not isinstance(path, str):
            raise Unbelievable("an import does not say from where")
        place = Place(environment, _path(path))
        rows = tuple(self._row(item, place, needs_project=False) for item in self._shared(list_in(block, "secrets")))
        _require_single(rows)
        return Block(place, rows)

    def _shared(self, items: Sequence[Any]) -> Iterator[dict[str, Any]]:
        for given in items:
            item = _object(given, "a secret")
            kind = item.get("type")
            if kind not in (SHARED, PERSONAL):
                raise Unbelievable("a secret does not say whether it is shared or personal")
            if kind == SHARED:
                yield item

    def _row(self, item: dict[str, Any], place: Place, *, needs_project: bool) -> Row:
        key, id_ = item.get("secretKey"), item.get("id")
        if not isinstance(key, str) or not key or not _can_be_sent(key):
            raise Unbelievable("a secret has no key")
        if item.get("environment") != place.environment_slug:
            raise Unbelievable(f"the secret {key} is of another environment than {place.environment_slug}")
        project = item.get("workspace") or item.get("projectId")
        if (project or needs_project) and project != self.project_id:
            raise Unbelievable(f"the secret {key} is of another project than was asked for")
        value = self.value(item, key) if self.values else ""
        comment = item.get("secretComment")
        return Row(
            key,
            value,
            place,
            id_ if isinstance(id_, str) else "",
            _is_marked(item),
            comment if isinstance(comment, str) else "",
            _tags(item),
        )

    def value(self, item: dict[str, Any], key: str) -> str:
        value = item.get("secretValue")
        if is_hidden(item):
            raise Unbelievable(
                f"the value of {key} is hidden from the machine identity",
                "Give its role the right to read values (“Read Value”) in this folder and all that it imports.",
            )
        if not isinstance(value, str):
            raise Unbelievable(f"the value of {key} is no text, but {type(value).__name__}")
        if not _can_be_sent(value):
            raise Unbelievable(f"the value of {key} holds half a character", "Enter it again in Infisical.")
        return value


def is_hidden(item: dict[str, Any]) -> bool:
    """Whether the server sends a mask in place of the value."""
    return item.get("secretValueHidden", False) is not False or item.get("secretValue") == MASK


def _require_single(rows: Sequence[Row]) -> None:
    seen: set[str] = set()
    for row in rows:
        if row.key in seen:
            raise Unbelievable(f"the key {row.key} comes twice from {row.place}")
        seen.add(row.key)


def list_in(data: dict[str, Any], name: str) -> list[Any]:
    found = data.get(name)
    if not isinstance(found, list):
        raise Unbelievable(f"the answer has no list of {name}")
    return found


def _object(found: Any, what: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Unbelievable(f"{what} is no object")
    return found


def _can_be_sent(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _path(text: str) -> str:
    return "/" + text.strip("/")


def _tags(item: dict[str, Any]) -> frozenset[str] | None:
    found = item.get("tags")
    slugs = [slug for tag in _dicts(found) if isinstance(slug := tag.get("slug"), str)]
    return frozenset(slugs) if isinstance(found, list) and len(slugs) == len(found) else None


def _is_marked(item: dict[str, Any]) -> bool:
    marks = [*_dicts(item.get("tags")), *_dicts(item.get("secretMetadata"))]
    return any(LITERAL in (mark.get("slug"), mark.get("key")) for mark in marks)


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
