"""What there is to choose, for a person who is waiting: as the source tells now or, if it is slow, as it told before.

A source elsewhere is asked with little patience, and its answer is kept, names alone. What it told a moment ago is not
asked again; what cannot be asked now is answered from what was kept, with the reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar, runtime_checkable

from common import clock
from sources.errors import SourceError
from sources.models import LinkedProject, ListedFolders
from sources.protocol import EnvironmentEntry, FolderEntry, Found, Place, Source
from sources.registry import kind_of, open_source
from vault.models import Project

PATIENCE = timedelta(seconds=4)
FRESH = timedelta(seconds=60)

Entry = TypeVar("Entry")


@runtime_checkable
class Searched(Protocol[Entry]):
    """Entries that are looked for where they are kept, not one by one."""

    def named(self, text: str) -> Entry | None: ...

    def containing(self, text: str, *, most: int) -> tuple[list[Entry], int]:
        """The first of those whose label has the text in it, in whatever case, and how many more there are."""


@dataclass(frozen=True)
class Listing(Generic[Entry]):
    """`problem` says why the source did not tell now; `told_at`, when it told what is listed in its stead."""

    entries: Sequence[Entry]
    problem: str = ""
    told_at: datetime | None = None


@dataclass(frozen=True)
class Asking:
    """How far to go for an answer: `anew` asks although it was asked a moment ago, `never` takes what is kept."""

    anew: bool = False
    never: bool = False

    def may_keep(self, told_at: datetime | None) -> bool:
        if self.never:
            return True
        return not self.anew and told_at is not None and clock.now() - told_at < FRESH


USUAL = Asking()


def environments_of(project: Project, asking: Asking = USUAL) -> Listing[EnvironmentEntry]:
    if not kind_of(project).is_remote:
        return Listing(_ask(project, lambda source: source.list_environments()))
    try:
        link = LinkedProject.of(project)
    except SourceError as error:
        return Listing([], error.message)
    kept = [EnvironmentEntry(**entry) for entry in link.environments]
    if asking.may_keep(link.listed_at):
        return Listing(kept)
    try:
        told = _ask(project, lambda source: source.list_environments())
    except SourceError as error:
        return Listing(kept, error.message, link.listed_at if kept else None)
    entries = [asdict(entry) for entry in told]
    LinkedProject.objects.filter(pk=link.pk).update(environments=entries, listed_at=clock.now())
    return Listing(told)


def folders_of(project: Project, environment_slug: str, asking: Asking = USUAL) -> Listing[FolderEntry]:
    if not kind_of(project).is_remote:
        return Listing(_ask(project, lambda source: source.list_folders(environment_slug)))
    row = ListedFolders.objects.filter(link__project=project, environment_slug=environment_slug).first()
    kept = [FolderEntry(**entry) for entry in row.folders] if row is not None else []
    told_at = row.listed_at if row is not None else None
    if asking.may_keep(told_at):
        return Listing(kept)
    try:
        told = _ask(project, lambda source: source.list_folders(environment_slug))
    except SourceError as error:
        return Listing(kept, error.message, told_at)
    ListedFolders.objects.update_or_create(
        link=LinkedProject.objects.get(project=project),
        environment_slug=environment_slug,
        defaults={"folders": [asdict(entry) for entry in told], "listed_at": clock.now()},
    )
    return Listing(told)


def places_of(project: Project, asking: Asking = USUAL) -> Listing[Found]:
    """The folders of all environments."""
    kind = kind_of(project)
    if kind.list_places is not None:
        return Listing(kind.list_places(project))
    environments = environments_of(project, asking)
    problem, found = environments.problem, list[Found]()
    for environment in environments.entries:
        folders = folders_of(project, environment.slug, asking)
        problem = problem or folders.problem
        found += [Found(Place(environment.slug, each.path, each.id), environment) for each in folders.entries]
    return Listing(found, problem, environments.told_at)


def _ask(project: Project, question: Callable[[Source], Sequence[Entry]]) -> Sequence[Entry]:
    with open_source(project, patience=PATIENCE) as source:
        return question(source)
