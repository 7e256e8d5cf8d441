"""From a stored connection to a linked project and a sync of it: which projects there are, and with how few rights."""

from typing import Any

import pytest

from connections.models import Connection
from sandbox.organization import Organization
from sources.errors import PlaceMissing, Refused, SourceError
from sources.finding import find_place
from sources.kinds import RemoteProject
from sources.linking import link_project
from sources.models import LinkedProject
from sources.openbao.kind import OPENBAO, find_project, list_projects
from sources.protocol import EnvironmentEntry, Found, Place
from sources.registry import open_source
from syncs.choices import Status
from syncs.engine.preview import preview
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.openbao import AppRole, OpenBao
from tests.sources.openbao.servers import rights_on
from tests.syncs.conftest import ORG, Bench
from vault.models import Folder

pytestmark = pytest.mark.django_db


def connect(openbao: OpenBao, role: AppRole, *, url: str = "", **parameters: str) -> Connection:
    connection = Connection(name="team-vault", app="hashicorp-vault", method="app-role")
    connection.base_url, connection.parameters = url or openbao.url, parameters
    connection.set_credentials({"roleId": role.role_id, "secretId": role.secret_id})
    connection.save()
    return connection


def sync_of(project: Any, place: Place, destination: Connection, **options: Any) -> Bench:
    sync = DevinSync(name="from-vault", project=project, connection=destination, org_id=ORG, **options)
    sync.source = Found(place, EnvironmentEntry(place.environment_slug, place.environment_slug))
    sync.save()
    return Bench(sync, Folder())


def test_a_connection_that_names_a_mount_has_that_one_project(openbao: OpenBao) -> None:
    mount = openbao.mount()
    connection = connect(openbao, openbao.approle(openbao.policy(rights_on(mount))), mount=mount)
    project = RemoteProject(mount, f"team-vault-{mount}", mount)

    assert list_projects(connection, None) == [project]
    assert find_project(connection, "", None) == project
    assert find_project(connection, f"/{mount}/", None) == project
    with pytest.raises(PlaceMissing, match=f"is for the KV mount {mount}"):
        find_project(connection, "another", None)


def test_a_connection_without_a_mount_has_each_of_them_and_all(openbao: OpenBao) -> None:
    mount, hidden = openbao.mount(name=f"teams/{openbao.mount()}"), openbao.mount()
    connection = connect(openbao, openbao.approle(openbao.policy(rights_on(mount))))
    everything = RemoteProject("/", "team-vault", "KV mounts of 127.0.0.1")
    one = RemoteProject(mount, f"team-vault-{mount.replace('/', '-')}", mount)

    assert list_projects(connection, None) == [everything, one]
    assert [find_project(connection, text, None) for text in ("", "/", mount)] == [everything, everything, one]
    for wrong in (hidden, "no-such-mount", "../sys"):
        with pytest.raises(SourceError):
            find_project(connection, wrong, None)


def test_a_wrong_credential_links_nothing(openbao: OpenBao) -> None:
    connection = connect(openbao, AppRole("role", "canary-role", "canary-secret"), mount="kv")

    with pytest.raises(Refused, match="Check role ID and secret ID") as caught:
        link_project(connection, "", by=ANYBODY)

    assert "canary" not in str(caught.value)
    assert not LinkedProject.objects.exists()


def test_a_host_that_is_not_listed_any_more_gets_nothing(openbao: OpenBao) -> None:
    connection = connect(openbao, openbao.approle(), url="https://vault.example.com")

    with pytest.raises(SourceError, match="SOURCE_HOSTS"):
        list_projects(connection, None)


def test_a_sync_by_approle_in_a_namespace_through_a_private_authority(
    openbao: OpenBao, connection: Connection, organization: Organization, rung: list[str]
) -> None:
    namespace = openbao.namespace()
    mount = openbao.mount(namespace=namespace)
    openbao.put(mount, "prod/shop", {"DB_URL": "postgres://x", "PORT": 5432}, namespace=namespace)
    openbao.put(mount, "prod/shop/web", {"DEBUG": False}, namespace=namespace)
    role = openbao.approle(openbao.policy(rights_on(mount), namespace=namespace), namespace=namespace)
    source = connect(openbao, role, url=openbao.tls_url, namespace=namespace, mount=mount, caCertificate=openbao.ca_pem)
    project = link_project(source, "", by=ANYBODY)

    bench = sync_of(project, Place("prod", "/shop"), connection, recursive=True, key_schema="BAO_{{secretKey}}")

    assert bench.run().status == Status.SUCCEEDED
    assert organization.values() == {"BAO_DB_URL": "postgres://x", "BAO_PORT": "5432", "BAO_DEBUG": "false"}
    said = "BAO_DEBUG, BAO_PORT: no text in the source, so the value is given as JSON."
    assert said in preview(bench.sync).plan.warnings
    assert said in bench.run().warnings
    openbao.put(mount, "prod/shop/web", {"DEBUG": True}, namespace=namespace)
    assert bench.run().replaced_count == 1
    assert organization.values()["BAO_DEBUG"] == "true"


def test_a_sync_of_a_mount_that_is_an_environment(
    openbao: OpenBao, connection: Connection, organization: Organization, rung: list[str]
) -> None:
    mount = openbao.mount(1)
    openbao.put(mount, "shop", {"A": "1"}, version=1)
    role = openbao.approle(openbao.policy({f"{mount}/*": ["read", "list"]}))
    project = link_project(connect(openbao, role), "/", by=ANYBODY)

    assert [entry["slug"] for entry in LinkedProject.of(project).environments] == [mount]
    assert sync_of(project, Place(mount, "/shop"), connection).run().status == Status.SUCCEEDED
    assert organization.values() == {"A": "1"}


LEAST = {
    "metadata/": ["list"],
    "data/prod/shop": ["read"],
    "data/prod/shop/*": ["read"],
    "metadata/prod/shop": ["read", "list"],
    "metadata/prod/shop/*": ["read", "list"],
}


def test_least_rights_are_enough_to_find_a_place_and_read_it(openbao: OpenBao) -> None:
    mount = openbao.mount()
    openbao.put(mount, "prod/shop/web", {"A": "1"})
    openbao.put(mount, "prod/other", {"B": "1"})
    role = openbao.approle(openbao.policy(rights_on(mount, LEAST)))
    project = link_project(connect(openbao, role, mount=mount), "", by=ANYBODY)

    for path in ("/shop", "shop/", "/shop/web"):
        assert find_place(project, "prod", path).place.path == "/" + path.strip("/")
    with open_source(project) as source:
        assert [secret.key for secret in source.read(Place("prod", "/shop"), recursive=True)] == ["A"]
        assert source.version(Place("prod", "/shop"), recursive=True)
    with pytest.raises(PlaceMissing):
        find_place(project, "prod", "/shop/nope")
    for elsewhere in ("/other", "/"):
        with pytest.raises(Refused):
            find_place(project, "prod", elsewhere)


def test_a_place_with_a_deleted_version_is_found_and_not_read(openbao: OpenBao) -> None:
    mount = openbao.mount()
    openbao.put(mount, "prod/shop", {"A": "1"})
    openbao.call("DELETE", f"{mount}/data/prod/shop")
    role = openbao.approle(openbao.policy(rights_on(mount)))
    project = link_project(connect(openbao, role, mount=mount), "", by=ANYBODY)

    assert find_place(project, "prod", "/shop").place == Place("prod", "/shop")
    with open_source(project) as source, pytest.raises(PlaceMissing, match="deleted"):
        source.read(Place("prod", "/shop"))


def test_the_kind_is_told_by_its_connection(openbao: OpenBao) -> None:
    mount = openbao.mount()
    openbao.put(mount, "prod/shop", {"A": "1"})
    role = openbao.approle(openbao.policy(rights_on(mount)))

    project = link_project(connect(openbao, role, mount=mount), "", by=ANYBODY)

    assert project.source == OPENBAO.name
    assert [entry["slug"] for entry in LinkedProject.of(project).environments] == ["prod"]
