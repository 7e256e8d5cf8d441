"""What a kind of source is, for those who offer and open it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from connections.models import Connection
from sources.contents import Contents, Tell
from sources.protocol import Found, Source
from vault.models import Project


@dataclass(frozen=True)
class Opening:
    """Which project to open, and how patiently.

    `project_id` and `project_slug` are DevinSync's own, `remote_id` is what the source calls the project. With
    `patience` a person waits for all that is asked together; without, a worker does, who can wait as long as is usual.
    `spares`: it can wait longer than others, so half of the requests that the source allows is left to them.
    """

    project_id: UUID
    project_slug: str
    connection: Connection | None = None
    remote_id: str = ""
    patience: timedelta | None = None
    spares: bool = False

    @property
    def through(self) -> Connection:
        """The connection, for kinds that have one."""
        assert self.connection is not None  # noqa: S101 - a linked project has one
        return self.connection


@dataclass(frozen=True)
class RemoteProject:
    """A project as its source names it. `id` is what never changes."""

    id: str
    slug: str
    name: str


@dataclass(frozen=True)
class Kind:
    """One kind of source, as `sources.registry` lists it.

    name            what `vault.Project.source` says
    label           what people call it: "Infisical"
    open            answers an open source, or raises SourceError; whoever called it closes it
    app             the app of the connections that it needs; "" for none
    find_project    the project that a person means by an id or a slug, proved; raises SourceError
    list_projects   those that a connection may read, where the source can tell
    find            finds a place quicker than by its lists, with better words; raises SourceError
    list_places     the folders of all environments, where one question answers that
    find_clashes    tells without a value which keys stand in several folders at and below a place, quicker or better
    read_contents   a whole project, or the environments named of it, to be copied into the vault; raises SourceError
    id_hint         what to enter to name a project, for the form that asks
    notifies        whether it tells of changes by itself
    has_tags        whether its secrets carry tags; what is opened is then a `TellsTags`
    """

    name: str
    label: str
    open: Callable[[Opening], Source]
    app: str = ""
    find_project: Callable[[Connection, str, timedelta | None], RemoteProject] | None = None
    list_projects: Callable[[Connection, timedelta | None], Sequence[RemoteProject]] | None = None
    find: Callable[[Project, str, str], Found] | None = None
    list_places: Callable[[Project], Sequence[Found]] | None = None
    find_clashes: Callable[[Project, Found], Mapping[str, list[str]]] | None = None
    read_contents: Callable[[Opening, Collection[str], Tell], Contents] | None = None
    id_hint: str = ""
    notifies: bool = False
    has_tags: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether to ask it takes a request to somewhere else, so never inside a transaction."""
        return bool(self.app)
