"""What the stand-in holds: projects with environments, folders, secrets and imports; identities; limits; faults."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.wire import Stream


class Edition(StrEnum):
    OLD = "old"
    NEW = "new"


@dataclass
class Secret:
    key: str
    value: str = field(repr=False)
    comment: str = ""
    kind: str = "shared"
    is_hidden: bool = False
    tags: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    version: int = 1


@dataclass
class Folder:
    """`secrets` are all of it, personal ones too; `imports` are (environment, path), the last wins."""

    path: str
    secrets: list[Secret] = field(default_factory=list)
    imports: list[tuple[str, str]] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2] or "root"


@dataclass
class Environment:
    slug: str
    name: str
    folders: dict[str, Folder] = field(default_factory=lambda: {"/": Folder("/")})
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Project:
    """`members` are the client IDs of those who may read it; `closed` the places that none of them may."""

    id: str
    slug: str
    name: str
    environments: dict[str, Environment]
    members: set[str] = field(default_factory=set)
    closed: set[tuple[str, str]] = field(default_factory=set)

    def folder(self, environment: str, path: str) -> Folder | None:
        found = self.environments.get(environment)
        return found.folders.get(path) if found else None


@dataclass
class Identity:
    client_id: str
    secret: str = field(repr=False)
    ttl: int = 2_592_000
    failures: list[float] = field(default_factory=list)
    locked_until: float = 0.0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Fault:
    """An answer in place of the right one, for the next `times` requests whose path begins so."""

    path: str
    answer: Callable[[Stream], None]
    times: int = 1


@dataclass(frozen=True)
class Seen:
    """One request, by its path alone: a query or a body is nobody's business."""

    method: str
    path: str
    status: int
    inside_retry_after: bool


@dataclass
class World:
    edition: Edition = Edition.NEW
    # Requests a minute, by sort: "secrets", "reads", "writes". A sort that is not here has no limit.
    limits: dict[str, int] = field(default_factory=dict)
    window: float = 60.0
    projects: dict[str, Project] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ahead: float = 0.0
    _windows: dict[str, tuple[float, int]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def now(self) -> float:
        return time.monotonic() + self._ahead

    def pass_time(self, seconds: float) -> None:
        """As if so much time had gone by: tokens expire, windows reset."""
        with self.lock:
            self._ahead += seconds

    def add_identity(self, client_id: str, secret: str, *, ttl: int = 2_592_000) -> Identity:
        identity = self.identities[client_id] = Identity(client_id, secret, ttl)
        return identity

    def add_project(
        self, slug: str, *, name: str = "", environments: tuple[str, ...] = ("dev", "staging", "prod")
    ) -> Project:
        known = {slug: Environment(slug, slug.capitalize()) for slug in environments}
        project = Project(str(uuid.uuid4()), slug, name or slug.capitalize(), known, set(self.identities))
        self.projects[project.id] = project
        return project

    def add_folder(self, project: Project, environment: str, path: str) -> Folder:
        """With those above it."""
        folders = project.environments[environment].folders
        parts = path.strip("/").split("/") if path != "/" else []
        for count in range(1, len(parts) + 1):
            above = "/" + "/".join(parts[:count])
            folders.setdefault(above, Folder(above))
        return folders[path]

    def put(self, project: Project, environment: str, path: str, **values: str) -> None:
        """Creates or changes shared secrets."""
        with self.lock:
            folder = self.add_folder(project, environment, path)
            for key, value in values.items():
                known = next((each for each in folder.secrets if each.key == key and each.kind == "shared"), None)
                if known is None:
                    folder.secrets.append(Secret(key, value))
                else:
                    known.value, known.version = value, known.version + 1

    def remove(self, project: Project, environment: str, path: str, key: str) -> None:
        with self.lock:
            folder = project.environments[environment].folders[path]
            folder.secrets = [secret for secret in folder.secrets if secret.key != key]

    def count(self, sort: str) -> tuple[int, int, int, bool] | None:
        """Counts a request: limit, left, seconds to the next window, and whether it is one too many."""
        limit = self.limits.get(sort)
        if limit is None:
            return None
        start, used = self._windows.get(sort, (self.now(), 0))
        if self.now() >= start + self.window:
            start, used = self.now(), 0
        self._windows[sort] = (start, used + 1)
        rest = max(1, round(start + self.window - self.now()))
        return limit, max(0, limit - used - 1), rest, used >= limit

    def is_spent(self, sort: str) -> bool:
        """Whether the callers have been told to stay away: the last answer of this window was a refusal."""
        start, used = self._windows.get(sort, (0.0, 0))
        return sort in self.limits and used > self.limits[sort] and self.now() < start + self.window

    def new_token(self, identity: Identity) -> str:
        token = f"stand-in-token-{next(self._numbers)}-{uuid.uuid4()}"
        self.tokens[token] = (identity.client_id, self.now() + identity.ttl)
        return token
