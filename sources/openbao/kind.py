"""Vault and OpenBao among the kinds of sources.

Its projects are either one KV mount, whose top folders are the environments, or all mounts of the connection's
namespace, each an environment. The id of the former is the mount's path, that of the latter a slash.
"""

from datetime import timedelta
from urllib.parse import urlsplit

from django.utils.text import slugify

from connections.models import Connection
from connections.openbao.app import KV_VERSION, MOUNT, NAMESPACE, OpenBao
from connections.openbao.opening import open_client
from sources.errors import PlaceMissing
from sources.kinds import Kind, Opening, RemoteProject
from sources.models import LinkedProject
from sources.openbao.source import OpenBaoSource, translated
from sources.protocol import EnvironmentEntry, Found, Place
from vault.models import Project

ALL_MOUNTS = "/"
# A person waits this long for what the server says of one place.
PATIENCE = timedelta(seconds=8)


def open_openbao(opening: Opening) -> OpenBaoSource:
    return _open(opening.through, opening.remote_id, opening.patience, spares=opening.spares)


def find_project(connection: Connection, text: str, patience: timedelta | None) -> RemoteProject:
    """What the connection says; where it names no mount, the one that is entered, or all of them."""
    named = connection.parameters.get(MOUNT.api_name, "")
    asked = text.strip().strip("/")
    if named and asked not in ("", named):
        raise PlaceMissing(
            f"The connection {connection.name} is for the KV mount {named}. Leave the project empty, or choose another "
            "connection."
        )
    mount = named or asked
    if mount:
        with _open(connection, mount, patience) as source:
            source.find_mount(mount)
    return _project(connection, mount)


def list_projects(connection: Connection, patience: timedelta | None) -> list[RemoteProject]:
    if named := connection.parameters.get(MOUNT.api_name, ""):
        return [_project(connection, named)]
    with _open(connection, ALL_MOUNTS, patience) as source:
        mounts = [entry.slug for entry in source.list_environments()]
    return [_project(connection, mount) for mount in ("", *mounts)]


def find_place(project: Project, environment_slug: str, path: str) -> Found:
    """Asks for the place itself: with least rights, lists do not lead there."""
    link = LinkedProject.of(project)
    place = Place(environment_slug.strip(), f"/{'/'.join(name for name in path.strip().split('/') if name)}")
    with _open(link.connection, link.remote_id, PATIENCE) as source:
        source.require(place)
    return Found(place, EnvironmentEntry(place.environment_slug, place.environment_slug))


def _open(connection: Connection, remote_id: str, patience: timedelta | None, *, spares: bool = False) -> OpenBaoSource:
    version = connection.parameters.get(KV_VERSION.api_name, "")
    with translated():
        client = open_client(connection, patience=patience, spares=spares)
    return OpenBaoSource(client, mount=remote_id.strip("/"), version=int(version) if version.isdecimal() else 0)


def _project(connection: Connection, mount: str) -> RemoteProject:
    if mount:
        return RemoteProject(mount, slugify(f"{connection.name} {mount.replace('/', ' ')}"), mount)
    where = connection.parameters.get(NAMESPACE.api_name) or urlsplit(connection.base_url).hostname or ""
    return RemoteProject(ALL_MOUNTS, slugify(connection.name), f"KV mounts of {where}")


OPENBAO = Kind(
    name="openbao",
    label=OpenBao.label,
    open=open_openbao,
    app=OpenBao.name,
    find_project=find_project,
    list_projects=list_projects,
    find=find_place,
    id_hint="The KV mount whose top folders are the environments, or “/” where each mount is one.",
)
