"""The same for a place that is kept elsewhere, as far as it is known: by what syncs read, and where that came from when
they last read it. The source is not asked.
"""

from collections.abc import Iterator, Sequence

from readers.loading import SyncRow, load_syncs
from readers.report import Carried, Report, report_of
from readers.tree import MOST_ROWS, Row
from sources.protocol import Place
from sources.watching import reaches
from sources.words import page_of
from vault.models import Project


def report_of_place(project: Project, place: Place) -> Report:
    syncs = load_syncs(project)
    direct = [row for row in syncs if _reads(row, place)]
    others = [row for row in syncs if not _reads(row, place)]
    through = sorted(_through(project, place, others), key=lambda each: each[0])
    below = [
        Row(name, page_of(project, where), level=1, imports=True, syncs=readers) for name, where, readers in through
    ]
    start = Row(str(place), page_of(project, place), level=0, syncs=direct)
    readers = {row.id: row for row in [*direct, *(row for _, _, some in through for row in some)]}
    return report_of(
        [start, *below[: MOST_ROWS - 1]],
        [Carried(row, None) for row in readers.values()],
        more_rows=max(len(below) - MOST_ROWS + 1, 0),
        folder_count=len(through),
    )


def _reads(row: SyncRow, place: Place) -> bool:
    own = Place(row.environment_slug, row.path)
    return own == place or (row.recursive and own.contains(place))


def _through(
    project: Project, place: Place, others: Sequence[SyncRow]
) -> Iterator[tuple[str, Place, Sequence[SyncRow]]]:
    """The places whose secrets came from this one, each with the syncs that read it so."""
    by_place: dict[tuple[Place, bool], list[SyncRow]] = {}
    for row in others:
        by_place.setdefault((Place(row.environment_slug, row.path), row.recursive), []).append(row)
    for where, is_recursive, origins in reaches(project):
        if place in origins and (readers := by_place.get((where, is_recursive))):
            yield f"{where} and below" if is_recursive else str(where), where, readers
