"""The environments of a project beside one another, at one path: which keys are where, and whose values are the same.

Values are compared by their keyed fingerprints, and leave this module no other way than as "the same" or "different".
That is told to whoever may read them; the others see what is there. Opens what is shown alone, or all where it is asked
which ones differ.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from encryption import fingerprint
from vault.access import can, place_of, visible
from vault.errors import Unreadable
from vault.models import Environment, Folder, Project, Secret
from vault.references import escape
from vault.values import open_stored

MISSING, PRESENT, SAME, ALONE, UNREADABLE = "missing", "present", "same", "only here", "can't be read"
ALL, DIFFERS, LACKS = "", "differs", "missing"
FEW = 500
MOST_PATHS = 200
PURPOSE = "vault.sideways"


@dataclass(frozen=True)
class Column:
    """`folder` is the one at the path, if the environment has it."""

    environment: Environment
    folder: Folder | None


@dataclass(frozen=True)
class Cell:
    """`mark` is one of the words above or, where values differ, letters: cells of the same ones have the same value."""

    environment: Environment
    mark: str
    secret_id: UUID | None = None

    @property
    def is_letter(self) -> bool:
        return self.mark.isupper()


@dataclass(frozen=True)
class Row:
    key: str
    cells: list[Cell]


def find_paths(project: Project, user: Any) -> list[str]:
    """Where there is something to compare: what most environments have first, then where most secrets are."""
    seen = visible(user, Secret.objects.filter(folder__environment__project=project))
    secrets = seen.values_list("folder__path")
    counted = secrets.annotate(places=Count("folder", distinct=True), secrets=Count("id"))
    return [path for path, *_ in counted.order_by("-places", "-secrets", "folder__path")[:MOST_PATHS]]


def load_columns(environments: Sequence[Environment], path: str, user: Any) -> list[Column]:
    """With the folders that the user sees the secrets of."""
    found = Folder.objects.select_related("environment").filter(environment__in=environments, path=path)
    folders = {each.environment_id: each for each in found if can(user, "vault.view_secret", place_of(each))}
    return [Column(each, folders.get(each.id)) for each in environments]


def find_keys(columns: Sequence[Column], *, query: str, show: str, compares: bool) -> list[str]:
    """The keys to show, in order. Without the right to compare, only what is missing differs."""
    there: dict[str, set[UUID]] = {}
    for key, folder_id in _secrets(columns).filter(key__icontains=query).values_list("key", "folder_id"):
        there.setdefault(key, set()).add(folder_id)
    if show == ALL:
        return sorted(there)
    lacking = {key for key, folder_ids in there.items() if len(folder_ids) < len(columns)}
    if show == DIFFERS and compares:
        prints = _load_prints(columns, there.keys() - lacking)
        lacking |= {key for key, its in prints.items() if len(set(its.values())) > 1 or None in its.values()}
    return sorted(lacking)


def load_rows(columns: Sequence[Column], keys: Sequence[str], *, compares: bool) -> list[Row]:
    rows = {(secret.key, secret.folder_id): secret for secret in _of_keys(columns, keys)}
    prints = _fingerprints(columns, rows.values()) if compares else {}
    return [Row(key, _cells(columns, key, rows, prints.get(key))) for key in keys]


def _cells(
    columns: Sequence[Column],
    key: str,
    rows: Mapping[tuple[str, UUID], Secret],
    prints: Mapping[UUID, str | None] | None,
) -> list[Cell]:
    marks = _marks(prints) if prints is not None else None
    cells = []
    for column in columns:
        secret = rows.get((key, column.folder.id)) if column.folder else None
        if secret is None:
            cells.append(Cell(column.environment, MISSING))
        else:
            mark = PRESENT if marks is None else marks[secret.folder_id]
            cells.append(Cell(column.environment, mark, secret.id))
    return cells


def _marks(prints: Mapping[UUID, str | None]) -> dict[UUID, str]:
    """By folder, in the order of the columns."""
    kinds = list(dict.fromkeys(one for one in prints.values() if one is not None))
    if len(kinds) == 1:
        word = SAME if len(prints) > 1 else ALONE
        return {id_: UNREADABLE if one is None else word for id_, one in prints.items()}
    return {id_: UNREADABLE if one is None else letters_of(kinds.index(one)) for id_, one in prints.items()}


def letters_of(index: int) -> str:
    """A, B, … Z, AA, AB, …, as columns of a table are called."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, len(ascii_uppercase))
        letters = ascii_uppercase[rest] + letters
    return letters


def _load_prints(columns: Sequence[Column], keys: Collection[str]) -> dict[str, dict[UUID, str | None]]:
    return _fingerprints(columns, _of_keys(columns, sorted(keys)))


def _fingerprints(columns: Sequence[Column], secrets: Iterable[Secret]) -> dict[str, dict[UUID, str | None]]:
    """By key and folder, in the order of the columns; None for a value that can't be opened."""
    places = {column.folder.id: column.folder.place_of_secrets for column in columns if column.folder}
    order = {id_: position for position, id_ in enumerate(places)}
    found: dict[str, dict[UUID, str | None]] = {}
    for secret in sorted(secrets, key=lambda each: order[each.folder_id]):
        found.setdefault(secret.key, {})[secret.folder_id] = _fingerprint(secret, places[secret.folder_id])
    return found


def _fingerprint(secret: Secret, place: str) -> str | None:
    try:
        value = open_stored(secret, place=place)
    except Unreadable:
        return None
    # What is taken as text is the same as its escape is elsewhere.
    return fingerprint(PURPOSE, escape(value) if secret.is_literal else value)


def _secrets(columns: Sequence[Column]) -> QuerySet[Secret]:
    return Secret.objects.filter(folder__in=[column.folder for column in columns if column.folder]).order_by()


def _of_keys(columns: Sequence[Column], keys: Sequence[str]) -> Iterable[Secret]:
    rows = _secrets(columns).only("id", "key", "folder_id", "version", "is_literal", "sealed_value")
    for start in range(0, len(keys), FEW):
        yield from rows.filter(key__in=keys[start : start + FEW])
