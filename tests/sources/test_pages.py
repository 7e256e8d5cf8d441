"""The pages of projects that are kept elsewhere: linked by a person, looked at, and never a value in them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils.http import urlencode

from api.hooks.models import Hook
from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sources.errors import Refused, Unavailable
from sources.linking import link_project
from sources.models import LinkedProject, SharedConnection
from sources.protocol import EnvironmentEntry, Found, Place
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.sources.hostile import CANARY
from tests.sources.infisical.scene import connection_to
from tests.sources.memory import PROJECT_ID, Shelf
from tests.syncs.conftest import ORG
from vault.access.models import Membership
from vault.models import Project

LINK = "admin:sources_link"


def person(*permissions: str) -> Client:
    user = User.objects.create_user("-".join(permissions) or "nobody", is_staff=True)
    for name in permissions:
        app, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


LINKER = ("vault.add_project", "vault.view_project", "connections.use_connection")
VIEWER = ("vault.view_project", "vault.view_environment", "vault.view_folder", "vault.view_secret")


@pytest.fixture
def entries(shelf: Shelf, shelf_connection: Connection) -> dict[str, Any]:
    shelf.put("dev", A="1")
    return {"connection": str(shelf_connection.pk), "remote_project": "shelf", "poll_seconds": "60"}


@pytest.fixture
def sync(shelf_project: Project, connection: Connection, rung: list[str]) -> DevinSync:
    sync = DevinSync(name="reader", project=shelf_project, connection=connection, org_id=ORG)
    sync.source = Found(Place("dev", "/app"), EnvironmentEntry("dev", "Dev"))
    sync.save()
    return sync


def test_a_person_links_a_project(entries: dict[str, Any], db: None) -> None:
    page = person(*LINKER).post(reverse(LINK), entries)

    assert page.headers["Location"] == reverse("admin:sources_project", args=[PROJECT_ID])
    assert Project.objects.get().name == "The shelf"


def test_its_page_leads_to_what_was_done_in_it(shelf_project: Project, db: None) -> None:
    address = reverse("admin:sources_project", args=[shelf_project.pk])
    link = f'href="/admin/audit/entry/?project={shelf_project.slug}"'

    assert link in person(*VIEWER, "audit.view_entry").get(address).text
    assert link not in person(*VIEWER).get(address).text


def test_it_leads_back_to_where_it_was_asked_for(entries: dict[str, Any], db: None) -> None:
    page = person(*LINKER).post(f"{reverse(LINK)}?next=/admin/syncs/", entries)

    assert page.headers["Location"] == f"/admin/syncs/?project={PROJECT_ID}"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_it_leads_to_no_other_site(entries: dict[str, Any], db: None, elsewhere: str) -> None:
    client = person(*LINKER)

    assert elsewhere not in client.get(reverse(LINK), {"next": elsewhere}).content.decode()
    page = client.post(f"{reverse(LINK)}?next={elsewhere}", entries)
    assert page.headers["Location"] == reverse("admin:sources_project", args=[PROJECT_ID])


def test_a_connection_that_was_made_for_it_is_chosen(entries: dict[str, Any]) -> None:
    page = person(*LINKER).get(reverse(LINK), {"connection": entries["connection"]})

    assert str(page.context["form"]["connection"].value()) == entries["connection"]


@pytest.mark.parametrize("lacking", ["vault.add_project", "connections.use_connection"])
def test_it_takes_the_right_to_add_projects_and_to_use_connections(lacking: str, entries: dict[str, Any]) -> None:
    page = person(*(each for each in LINKER if each != lacking)).post(reverse(LINK), entries)

    assert page.status_code == 403
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"connection": ""}, "connection", "Choose the connection"),
        ({"remote_project": "nope"}, "remote_project", "no project nope"),
        ({"poll_seconds": "-1"}, "poll_seconds", "0"),
        ({"slug": "Not a slug!"}, "slug", ""),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    entries: dict[str, Any], change: dict[str, str], field: str, says: str
) -> None:
    page = person(*LINKER).post(reverse(LINK), entries | change)

    assert says in str(page.context["form"].errors[field])
    assert not Project.objects.exists()


def test_a_connection_to_devin_is_not_offered(connection: Connection, entries: dict[str, Any]) -> None:
    page = person(*LINKER).post(reverse(LINK), entries | {"connection": str(connection.pk)})

    assert "no such connection" in str(page.context["form"].errors["connection"])


def test_the_refusal_of_a_source_is_shown(shelf: Shelf, entries: dict[str, Any]) -> None:
    shelf.says = Refused("The shelf does not know this reader. Enter its key again.")

    page = person(*LINKER).post(reverse(LINK), entries)

    assert "Enter its key again" in page.content.decode()


def test_without_a_connection_the_page_says_what_to_do_first(shelf: Shelf, db: None) -> None:
    assert "No connection to a source yet" in person(*LINKER).get(reverse(LINK)).content.decode()


def test_each_kind_says_what_names_a_project_of_it(entries: dict[str, Any]) -> None:
    assert "Memory: its slug is shelf." in person(*LINKER).get(reverse(LINK)).content.decode()


def test_a_source_that_tells_no_projects_says_so(entries: dict[str, Any]) -> None:
    page = person(*LINKER).post(reverse(LINK), entries | {"show": "1"})

    assert "Enter the ID or the slug of one" in page.content.decode()
    assert not Project.objects.exists()


def address(place: str = "") -> str:
    return reverse("admin:sources_project", args=[PROJECT_ID]) + place


def test_the_list_of_projects_says_where_each_is_kept(shelf_project: Project, project: Project) -> None:
    page = person(*VIEWER).get(reverse("admin:vault_project_changelist")).content.decode()

    assert "Memory: shelf" in page
    assert "Vault" in page


def test_the_page_shows_environments_folders_and_keys_and_no_value(shelf_project: Project, sync: DevinSync) -> None:
    client = person(*VIEWER, "syncs.view_devinsync")
    page = client.get(address("?environment=dev&path=/")).content.decode()

    assert "Open in Memory" in page
    assert "https://shelf.example/dev/" in page
    for shown in ("dev", "prod", "/app", "<code>A</code>"):
        assert shown in page
    assert CANARY not in page
    assert sync.get_absolute_url() not in page, "it reads another folder"
    assert sync.get_absolute_url() in client.get(address()).content.decode()


def test_a_member_sees_the_places_and_syncs_that_are_theirs(
    shelf: Shelf, shelf_project: Project, sync: DevinSync, connection: Connection
) -> None:
    shelf.put("dev", "/quiet", HUSHED="1")
    hidden = DevinSync(name="whispers", project=shelf_project, connection=connection, org_id=ORG)
    hidden.source = Found(Place("prod", "/"), EnvironmentEntry("prod", "Prod"))
    hidden.save()
    user = User.objects.create_user("mia", is_staff=True)
    Membership.objects.create(project=shelf_project, user=user, role="viewer", environments=["dev"], paths=["/app"])
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    through = LinkedProject.objects.get().connection

    # Its syncs are for those with whom the connection behind the project is shared.
    page = client.get(address("?environment=dev")).content.decode()
    for word in ("prod", "/quiet", "whispers", ">reader<", f"connection {through.name}"):
        assert word not in page, word
    assert "2\n        syncs that you may not see" in page
    for query in ("?environment=dev&path=/quiet", "?environment=dev&path=/"):
        assert client.get(address(query)).status_code == 404
    SharedConnection.objects.create(connection=through, project=shelf_project)
    page = client.get(address("?environment=dev&path=/app")).content.decode()
    for word in (">reader<", "<code>C</code>", f"connection {through.name}"):
        assert word in page, word
    page = client.get(address("?environment=prod")).content.decode()
    assert "prod" not in page.replace("?environment=prod", "")
    assert "1\n        sync that you may not see" in page
    shelf.says = Unavailable("The shelf at its address did not answer.")
    assert "at its address" in client.get(address("?again=1")).content.decode()
    SharedConnection.objects.all().delete()
    assert "at its address" not in client.get(address("?again=1")).content.decode()


@pytest.fixture
def infisical_page() -> Iterator[tuple[LinkedProject, str]]:
    """A folder that imports another, and one that does not."""
    with InfisicalSandbox() as server:
        connection = connection_to(server)
        shop = server.world.add_project("shop")
        server.world.put(shop, "dev", "/app", A=CANARY)
        server.world.put(shop, "dev", "/shared", B=CANARY)
        server.world.add_folder(shop, "dev", "/app").imports.append(("dev", "/shared"))
        project = link_project(connection, shop.id, by=ANYBODY)
        yield LinkedProject.objects.get(project=project), reverse("admin:sources_project", args=[project.pk])


def test_the_imports_of_a_folder_are_shown(db: None, infisical_page: tuple[LinkedProject, str]) -> None:
    client, address = person(*VIEWER), infisical_page[1]

    page = client.get(f"{address}?environment=dev&path=/app").content.decode()

    assert 'href="?environment=dev&amp;path=%2Fshared"' in page.partition('id="imports"')[2]
    assert CANARY not in page
    alone = client.get(f"{address}?environment=dev&path=/shared").content.decode()
    assert "None: it shows only secrets of its own" in alone


def test_its_webhook_is_set_up_or_looked_at(db: None, infisical_page: tuple[LinkedProject, str]) -> None:
    link, address = infisical_page
    client = person(*VIEWER, "api.add_hook", "api.view_hook")
    add = f"{reverse('admin:api_hook_add')}?link={link.pk}"

    assert add in client.get(address).content.decode()
    hook = Hook(link=link)
    hook.renew_secret()
    hook.save()

    page = client.get(address).content.decode()
    assert reverse("admin:api_hook_change", args=[hook.pk]) in page
    assert add not in page
    assert "admin/api/hook" not in person(*VIEWER, "vault.add_project").get(address).content.decode()


def test_of_very_many_folders_some_are_listed_and_any_is_found(shelf: Shelf, shelf_project: Project) -> None:
    for number in range(2_000):
        shelf.put("dev", f"/f{number}")
    client = person(*VIEWER)

    page = client.get(address("?environment=dev&again=1")).content.decode()
    assert page.count("path=%2Ff") < 200
    assert "Search to find one" in page
    found = client.get(address("?environment=dev&q=F1999")).content.decode()
    assert found.count("path=%2Ff") == 1
    assert "Search for another part" in client.get(address("?environment=dev&q=nowhere")).content.decode()


def test_keys_take_the_permission_to_see_secrets(shelf: Shelf, shelf_project: Project) -> None:
    shelf.asked.clear()
    page = person(*VIEWER[:-1]).get(address("?environment=dev&path=/app")).content.decode()

    assert "vault.view_secret" in page
    assert [asked for asked in shelf.asked if asked.startswith(("keys", "read"))] == []


@pytest.mark.parametrize("lacking", VIEWER[:-1])
def test_the_page_takes_what_the_vaults_takes(shelf_project: Project, lacking: str) -> None:
    assert person(*(each for each in VIEWER if each != lacking)).get(address()).status_code == 403


def test_a_source_that_does_not_answer_leaves_what_it_told_last(shelf: Shelf, shelf_project: Project) -> None:
    shelf.says = Unavailable("The shelf did not answer. It is asked again.")

    page = person(*VIEWER).get(address("?again=1")).content.decode()

    assert "The shelf did not answer." in page
    assert "Try again" in page
    assert "prod" in page


def test_the_vaults_page_of_it_leads_here(shelf_project: Project) -> None:
    page = person(*VIEWER).get(reverse("admin:vault_project_page", args=[PROJECT_ID]))

    assert page.headers["Location"] == address()


def test_a_project_of_the_vault_leads_to_the_vaults_page(project: Project) -> None:
    page = person(*VIEWER).get(reverse("admin:sources_project", args=[project.pk]))

    assert page.headers["Location"] == reverse("admin:vault_project_page", args=[project.pk])


def test_an_environment_is_not_added_to_it_here(shelf_project: Project) -> None:
    client = person(*VIEWER, "vault.add_environment")
    page = client.post(reverse("admin:vault_environment_add", args=[PROJECT_ID]), {"name": "QA", "slug": "qa"})

    assert "live in Memory: shelf" in page.content.decode()


def test_how_often_to_look_is_changed(shelf_project: Project) -> None:
    page = person(*VIEWER, "vault.change_project").post(
        reverse("admin:sources_poll", args=[PROJECT_ID]), {"poll_seconds": "600"}
    )

    assert page.status_code == 302
    assert LinkedProject.objects.get().poll_seconds == 600


@pytest.mark.parametrize("seconds", ["-1", "nonsense", ""])
def test_what_is_no_interval_changes_nothing(shelf_project: Project, seconds: str) -> None:
    client = person(*VIEWER, "vault.change_project")
    client.post(reverse("admin:sources_poll", args=[PROJECT_ID]), {"poll_seconds": seconds})

    assert LinkedProject.objects.get().poll_seconds == 60


def test_to_change_it_takes_the_right_to_change_projects(shelf_project: Project) -> None:
    page = person(*VIEWER).post(reverse("admin:sources_poll", args=[PROJECT_ID]), {"poll_seconds": "600"})

    assert page.status_code == 403


@pytest.mark.parametrize("at", [{}, {"environment": "dev"}, {"environment": "dev", "path": "/app"}])
def test_it_leads_to_a_sync_of_what_it_shows(at: dict[str, str], shelf_project: Project) -> None:
    """Of a project with several environments none is shown at first."""
    link = reverse("admin:sources_project", args=[PROJECT_ID])

    page = person(*VIEWER, "syncs.add_devinsync").get(link, at)

    chosen = {"project": PROJECT_ID} | {name.replace("path", "folder"): text for name, text in at.items()}
    assert page.context["chosen"] == urlencode(chosen)
    assert f"?{urlencode(chosen)}".replace("&", "&amp;") in page.content.decode()
