"""The kinds of sources: one line each. Everything else finds a project's kind here, and knows none by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from connections.models import Connection
from encryption import DecryptionError
from sources.errors import Refused, SourceError
from sources.infisical.kind import INFISICAL
from sources.kinds import Kind, Opening
from sources.models import LinkedProject
from sources.openbao.kind import OPENBAO
from sources.protocol import Source
from sources.vault.kind import VAULT
from vault.models import Project

KINDS: dict[str, Kind] = {
    VAULT.name: VAULT,
    OPENBAO.name: OPENBAO,
    INFISICAL.name: INFISICAL,
}


class UnknownKind(SourceError):
    """The database names a kind of source that this version of DevinSync does not have."""


def kind_of(project: Project) -> Kind:
    try:
        return KINDS[project.source]
    except KeyError:
        raise UnknownKind(
            f"The project {project.slug} is kept in “{project.source}”, a kind of source that this version of "
            "DevinSync does not know. Start the version that linked it."
        ) from None


def remote_kinds() -> list[Kind]:
    return [kind for kind in KINDS.values() if kind.is_remote]


def kind_for(connection: Connection) -> Kind | None:
    """The kind that projects are linked by with this connection; None if its app is no source."""
    return next((kind for kind in remote_kinds() if kind.app == connection.app), None)


def open_source(project: Project, *, patience: timedelta | None = None, spares: bool = False) -> Source:
    """The source of a project, to be closed by the caller. Raises SourceError. No query for the vault."""
    kind = kind_of(project)
    if not kind.is_remote:
        return kind.open(Opening(project.pk, project.slug, patience=patience))
    link = LinkedProject.of(project)
    with refused_without_credentials():
        return kind.open(Opening(project.pk, project.slug, link.connection, link.remote_id, patience, spares))


@contextmanager
def refused_without_credentials() -> Iterator[None]:
    """Credentials that do not open, or that nobody has entered, open no source either."""
    try:
        yield
    except DecryptionError as error:
        raise Refused(str(error)) from error
