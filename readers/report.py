"""What the page says: the tree, and organization by organization the syncs with the keys that they carry there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from django.urls import reverse

from readers.loading import Readers, SyncRow
from readers.tree import MOST_DEPTH, MOST_ROWS, Row, Step, in_order, nested
from readers.ways import Shape, Ways

MOST_SYNCS = 200


@dataclass(frozen=True)
class Carried:
    """A sync, and what it carries to its organization, by the names there; `keys` is None for all that it reads."""

    sync: SyncRow
    keys: Sequence[str] | None


@dataclass(frozen=True)
class Organization:
    org_id: str
    name: str
    base_url: str
    carried: Sequence[Carried]


@dataclass(frozen=True)
class Report:
    """`organizations` and `rows` are those that are shown; the counts are of all."""

    rows: Sequence[Row]
    more_rows: int
    organizations: Sequence[Organization]
    more_syncs: int
    folder_count: int
    sync_count: int
    organization_count: int
    referring_count: int = 0
    is_cut: bool = False


def make_report(shape: Shape, ways: Ways, readers: Readers) -> Report:
    found = {folder_id: readers.of(folder_id, shape.places[folder_id]) for folder_id in ways.keys}
    steps = list(in_order(ways, lambda folder_id: str(shape.places[folder_id])))
    near = [step for step in steps if step.level <= MOST_DEPTH][:MOST_ROWS]
    rows = [_row(shape, ways, step, found[step.folder_id]) for step in near]
    referring = {(there, key) for steps in ways.steps.values() for there, way in steps.items() for key in way.referring}
    return report_of(
        rows,
        list(_carried(shape, ways, found)),
        more_rows=len(steps) - len(rows),
        folder_count=len(ways.keys) - 1,
        referring_count=len(referring),
        is_cut=ways.is_cut,
    )


def report_of(
    rows: Sequence[Row],
    carried: Sequence[Carried],
    *,
    more_rows: int,
    folder_count: int,
    referring_count: int = 0,
    is_cut: bool = False,
) -> Report:
    ordered = sorted(carried, key=lambda each: (each.sync.org_id, each.sync.base_url, each.sync.name))
    return Report(
        rows=nested(rows),
        more_rows=more_rows,
        organizations=list(_by_organization(ordered[:MOST_SYNCS])),
        more_syncs=max(len(ordered) - MOST_SYNCS, 0),
        folder_count=folder_count,
        sync_count=len(ordered),
        organization_count=len({each.sync.organization for each in ordered}),
        referring_count=referring_count,
        is_cut=is_cut,
    )


def _by_organization(carried: Iterable[Carried]) -> Iterator[Organization]:
    for (base_url, org_id), some in groupby(carried, key=attrgetter("sync.organization")):
        those = list(some)
        yield Organization(org_id, those[0].sync.organization_name or "", base_url, those)


def _row(shape: Shape, ways: Ways, step: Step, syncs: Sequence[SyncRow]) -> Row:
    return Row(
        name=str(shape.places[step.folder_id]),
        url=reverse("admin:vault_folder_page", args=[step.folder_id]),
        level=step.level,
        imports=step.way.imports,
        referring=sorted(step.way.referring),
        keys=sorted(ways.keys[step.folder_id] or ()),
        syncs=[] if step.is_again else syncs,
        is_again=step.is_again,
    )


def _carried(shape: Shape, ways: Ways, found: Mapping[UUID, Sequence[SyncRow]]) -> Iterator[Carried]:
    """Of a sync that reads several of the folders all keys together, and all there are if it reads one as a whole."""
    keys: dict[UUID, set[str] | None] = {}
    rows: dict[UUID, SyncRow] = {}
    for folder_id, syncs in found.items():
        some = ways.keys[folder_id]
        for row in syncs:
            before = keys.get(row.id, set())
            its = None if some is None else row.chosen(some, partial(shape.tags_of, folder_id))
            rows[row.id], keys[row.id] = row, None if its is None or before is None else before | its
    for sync_id, row in rows.items():
        all_keys = keys[sync_id]
        yield Carried(row, None if all_keys is None else row.names_in_devin(all_keys))
