"""One change of a project: its transaction, its place in the order of changes, and the one signal that tells of it."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import F, Model, QuerySet
from django.db.transaction import Atomic
from django.utils import timezone

from audit.before import remember, tell_also
from audit.changes import Change as Told
from vault.access import Place, place_of
from vault.affected import Changed, Edges, SeenEdges, find_affected, load_edges
from vault.crossing import load_shown
from vault.editing.actor import Actor
from vault.editing.rights import check_shows_no_more
from vault.editing.seals import Seals
from vault.effects import is_tried, note_project, tell
from vault.elsewhere import kept_elsewhere
from vault.errors import EditingError, Missing
from vault.models import VAULT, Folder, Project
from vault.signals import Aspect


class Change:
    """Collects what changed, and announces it once with all that it affects."""

    def __init__(self, project_id: UUID, by: Actor, edges: Edges | None = None) -> None:
        self.project_id = project_id
        self.by = by
        # As they were before this change.
        self._edges = edges
        # The secrets that were created, whose values whoever does this knows.
        self.made: set[UUID] = set()
        self.seals = Seals()
        self._reach = _Reach(project_id, by)
        self._marked: dict[Aspect, set[Changed]] = {aspect: set() for aspect in Aspect}
        self._folder_ids: dict[Aspect, set[UUID]] = {aspect: set() for aspect in Aspect}

    def mark(self, folder_id: UUID, keys: Iterable[str] | None = None) -> None:
        """Notes a folder as changed: all of it, or these keys."""
        self._reach.note(folder_id)
        marked = self._marked[Aspect.CONTENTS]
        marked.update([(folder_id, None)] if keys is None else ((folder_id, key) for key in keys))

    def mark_beside(self, aspect: Aspect, secrets: Iterable[Changed]) -> None:
        """Notes that of these keys of folders this alone is another, and no value."""
        self._marked[aspect].update(secrets)

    def leave(self, folder_id: UUID) -> None:
        """Something below this folder goes elsewhere, so whoever reads all that is below is told, too."""
        self._folder_ids[Aspect.CONTENTS].add(folder_id)

    def remember(self, rows: Iterable[Model]) -> None:
        """Before rows of one kind change, for the log. What is only tried leaves no line."""
        if not is_tried():
            remember(rows)

    def tell(self, folder: Folder, field: str, before: str, after: str) -> None:
        """What the folder's own line is to tell, if one is written."""
        if not is_tried():
            tell_also(folder, Told(field, before, after))

    def check_reach(self) -> None:
        self._reach.check()

    def settle(self) -> None:
        """Follows imports and references as they are now, for a change that is about to move or cut them."""
        if any(self._marked.values()):
            edges = self._edges or load_edges(self.project_id)
            for aspect, marked in self._marked.items():
                self._folder_ids[aspect] |= find_affected(marked, edges)

    def announce(self) -> None:
        """Sends the signal; called by hand only where what changed is about to go, so that its readers can be found."""
        self.settle()
        changed = {aspect: set(ids) for aspect, ids in self._folder_ids.items()}
        for aspect in Aspect:
            self._folder_ids[aspect].clear()
            self._marked[aspect].clear()
        for aspect, ids in changed.items():
            if beside := ids if aspect is Aspect.CONTENTS else ids - changed[Aspect.CONTENTS]:
                tell(beside, self.by.user, aspect)


class _Reach:
    """What a change marks, where it was and where it is at the end: for those who may write in some places alone."""

    def __init__(self, project_id: UUID, by: Actor) -> None:
        self._project_id, self._by = project_id, by
        self._is_limited = not by.writes_everywhere
        self._places: dict[UUID, Place] = self._load() if self._is_limited else {}
        self._noted: set[UUID] = set()

    def note(self, folder_id: UUID) -> None:
        if self._is_limited:
            self._noted.add(folder_id)

    def check(self) -> None:
        """Raises NotAllowed: whatever the writer asked, nothing of another place was changed by the way."""
        if self._noted:
            after = self._load()
            where = [places[id_] for places in (self._places, after) for id_ in self._noted if id_ in places]
            self._by.demand_writing(*sorted(set(where), key=str))

    def _load(self) -> dict[UUID, Place]:
        rows = Folder.objects.filter(environment__project=self._project_id).select_related("environment").order_by()
        return {row.id: place_of(row) for row in rows.only("path", "environment__slug", "environment__project_id")}


def all_or_none() -> Atomic:
    """A transaction. What is only tried is in one already, which is taken back whole, and needs no savepoint in it."""
    return transaction.atomic(savepoint=not is_tried())


@contextmanager
def changing(project_id: UUID, by: Actor, *, contents: bool = True, seen: SeenEdges | None = None) -> Iterator[Change]:
    """A transaction in which nobody else changes the project: the counter's row is locked first.

    The `contents` of a project that is kept elsewhere are not changed here; its own name is. Raises NotAllowed at its
    end if more would be shown across environments, and `by` may not read values.

    `seen` saves a change of values the look at imports and references while the project is locked, unless somebody has
    changed it since. What such a change adds leads to the secrets that it has marked.
    """
    note_project(project_id)
    with all_or_none():
        rows = Project.objects.filter(id=project_id)
        here = rows.filter(source=VAULT) if contents else rows
        is_as_seen = seen is not None and _count(here.filter(revision=seen.revision))
        if not is_as_seen and not _count(here):
            raise _why_not(rows.first())
        change = Change(project_id, by, seen.edges if seen is not None and is_as_seen else None)
        by_folder = not by.writes_everywhere
        before = set() if by.can_reveal else load_shown(project_id, by_folder=by_folder)
        yield change
        change.seals.renew()
        change.check_reach()
        if not by.can_reveal:
            after = load_shown(project_id, by_folder=by_folder)
            check_shows_no_more(before, after, made=change.made, by=by)
        change.announce()


@contextmanager
def changing_both(one_id: UUID, other_id: UUID, by: Actor) -> Iterator[tuple[Change, Change]]:
    """The same of what leads from one project to another, or stays in one: then both are the same change.

    Locked in the order of their ids, so that two such changes never wait for each other.
    """
    with ExitStack() as stack:
        changes = {id_: stack.enter_context(changing(id_, by)) for id_ in sorted({one_id, other_id})}
        yield changes[one_id], changes[other_id]


def _count(project: QuerySet[Project]) -> bool:
    """One more change of it. Locks its row; False if there is none."""
    return bool(project.update(revision=F("revision") + 1, updated_at=timezone.now()))


def _why_not(project: Project | None) -> EditingError:
    if project is not None:
        return kept_elsewhere(project)
    return Missing("The project is gone. Go back to the list of projects.")
