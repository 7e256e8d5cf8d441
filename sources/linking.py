"""A project of somewhere else becomes one of DevinSync's: proved by its source, named, never copied."""

import random
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.text import slugify

from common import clock
from connections.models import Connection
from sources.errors import Untrustworthy
from sources.kinds import Kind, Opening, RemoteProject
from sources.models import POLL_SECONDS, LinkedProject
from sources.protocol import EnvironmentEntry
from sources.registry import kind_for, refused_without_credentials
from vault.editing import Actor, create_project
from vault.errors import Invalid, Taken
from vault.models import Project

# A person waits so long for all that proves a project.
PATIENCE = timedelta(seconds=15)


@dataclass(frozen=True)
class Proof:
    """A project as its source has just told of it."""

    kind: Kind
    remote: RemoteProject
    environments: list[EnvironmentEntry] = field(default_factory=list)


def prove(connection: Connection, text: str, *, patience: timedelta | None = PATIENCE) -> Proof:
    """Asks the source for the project that an id or a slug means, and for its environments.

    Talks to the source, so never inside a transaction. Raises SourceError, or Invalid if the connection is no source.
    """
    kind = kind_for(connection)
    if kind is None or kind.find_project is None:
        raise Invalid(f"The connection {connection.name} leads to no source of secrets.", field="connection")
    with refused_without_credentials():
        remote = kind.find_project(connection, text.strip(), patience)
        with kind.open(Opening(uuid4(), remote.slug, connection, remote.id, patience)) as source:
            environments = list(source.list_environments())
    if not environments:
        raise Untrustworthy(
            f"{kind.label} shows no environment of {remote.name or remote.id} to the connection {connection.name}. "
            "Give its identity the right to read one, then try again."
        )
    return Proof(kind, remote, environments)


@dataclass(frozen=True)
class Naming:
    """What the project is called here; what is empty is as its source calls it."""

    name: str = ""
    slug: str = ""
    description: str = ""
    poll_seconds: int = POLL_SECONDS


def link_project(connection: Connection, text: str, naming: Naming = Naming(), *, by: Actor) -> Project:
    """Proves and keeps the link. Raises SourceError, or EditingError for what cannot be."""
    return keep_link(connection, prove(connection, text), naming, by=by)


@transaction.atomic
def keep_link(connection: Connection, proof: Proof, naming: Naming = Naming(), *, by: Actor) -> Project:
    remote = proof.remote
    if linked := LinkedProject.objects.filter(connection=connection, remote_id=remote.id).first():
        raise Taken(f"It is linked already, as {linked.project.slug}.", field="remote_project")
    project = create_project(
        id=_id_of(remote),
        source=proof.kind.name,
        name=naming.name or remote.name or remote.slug or remote.id,
        slug=naming.slug or slugify(remote.slug or remote.name or remote.id)[:64],
        description=naming.description,
        environments=(),
        by=by,
    )
    LinkedProject.objects.create(
        project=project,
        connection=connection,
        remote_id=remote.id,
        remote_slug=remote.slug,
        remote_name=remote.name,
        poll_seconds=naming.poll_seconds,
        environments=[asdict(entry) for entry in proof.environments],
        listed_at=clock.now(),
        next_poll_at=clock.now() + timedelta(seconds=naming.poll_seconds) * random.random(),  # noqa: S311 - spread
    )
    return project


def set_poll_seconds(project: Project, seconds: int) -> None:
    """How often to look for changes from now on; 0 for never. Raises Invalid for a project of the vault."""
    rows = LinkedProject.objects.filter(project=project)
    if not rows.update(poll_seconds=seconds, quiet_polls=0, next_poll_at=clock.now()):
        raise Invalid(f"The project {project.slug} is not linked: its changes need not be looked for.")


def _id_of(remote: RemoteProject) -> UUID:
    """The source's own where that can be: a script's project id works unchanged."""
    try:
        own = UUID(remote.id)
    except ValueError:
        return uuid4()
    if Project.objects.filter(pk=own).exists():
        raise Taken("There is a project of this ID already. Unlink it first.", field="remote_project")
    return own
