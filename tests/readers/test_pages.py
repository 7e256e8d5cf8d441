"""The pages of readers: whom they let in, what they name, what they only count, and at what cost."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from connections.models import Connection
from readers import report
from sources.models import LinkedProject
from sources.protocol import EnvironmentEntry, Found, Place, SourceSecret
from sources.watching import note_read
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import editing
from vault.models import Folder, Project, Secret

pytestmark = pytest.mark.django_db

VALUE = "canary-91c4"
AddSync = Callable[..., DevinSync]


@pytest.fixture
def sync_of(db: None) -> AddSync:
    to = Connection.objects.create(name="acme", base_url="https://devin.example")

    def make(folder: Folder, name: str, **attributes: object) -> DevinSync:
        given = {"project": folder.environment.project, "folder": folder, "connection": to, "org_id": "org-acme"}
        return DevinSync.objects.create(name=name, **given | attributes)

    return make


@pytest.fixture
def secret(app: Folder, shared: Folder, sync_of: AddSync) -> Secret:
    """It is imported by one folder, referred to by a secret of another, and hidden in a third."""
    secret = editing.set_secret(shared, "TOKEN", VALUE, by=ANYBODY)
    referring, hiding = (editing.create_folder(app.environment, path, by=ANYBODY) for path in ("/refers", "/hides"))
    editing.set_secret(referring, "URL", "https://${dev.shared.TOKEN}@host", by=ANYBODY)
    editing.set_secret(hiding, "TOKEN", "another", by=ANYBODY)
    for folder in (app, hiding):
        editing.add_import(folder, shared, by=ANYBODY)
    sync_of(app, "imports-it", key_schema="PROD_{{secretKey}}")
    sync_of(referring, "refers-to-it", org_id="org-other", is_enabled=False)
    sync_of(hiding, "has-its-own")
    return secret


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def of_secret(secret: Secret) -> str:
    return reverse("admin:readers_secret", args=[secret.pk])


def of_folder(folder: Folder) -> str:
    return reverse("admin:readers_folder", args=[folder.pk])


def person(*permissions: str) -> Client:
    user = User.objects.create_user("-".join(permissions) or "nobody", is_staff=True)
    for name in permissions:
        app_label, _, codename = name.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_rotation_names_the_syncs_the_organizations_and_the_keys_there(editor: Client, secret: Secret) -> None:
    page = text_of(editor, of_secret(secret))

    assert "2 syncs in 2 organizations , through 2 other folders and 1 reference ." in page
    assert "org-acme imports-it PROD_TOKEN within seconds" in page
    assert "org-other refers-to-it URL once it is enabled" in page
    assert "has-its-own" not in page


def test_a_folder_is_read_even_where_its_secret_is_hidden(editor: Client, secret: Secret) -> None:
    page = text_of(editor, of_folder(secret.folder))

    assert "3 syncs in 2 organizations" in page
    assert "has-its-own all that it shows" in page
    assert "dev:/refers refers to it in URL" in page


def test_a_sync_of_a_folder_above_reads_what_is_below(editor: Client, secret: Secret, sync_of: AddSync) -> None:
    root = Folder.objects.get(environment=secret.folder.environment, path="/")
    sync_of(root, "reads-all-below", recursive=True, org_id="org-third")
    sync_of(root, "reads-the-root-alone", org_id="org-third")

    page = text_of(editor, of_secret(secret))

    assert "org-third reads-all-below TOKEN , URL within seconds" in page
    assert "reads-the-root-alone" not in page


def test_who_reads_nothing_is_told_what_to_do(editor: Client, app: Folder) -> None:
    page = text_of(editor, of_folder(app))

    assert "Nobody: no other folder and no sync reads this folder." in page
    assert "Add a sync" in page


def test_circles_end(editor: Client, app: Folder, shared: Folder) -> None:
    editing.set_secret(app, "A", "${dev.shared.B}", by=ANYBODY)
    editing.set_secret(shared, "B", "${dev.app.A}", by=ANYBODY)

    assert "dev:/app refers to it in A shown elsewhere in this list" in text_of(editor, of_folder(app))
    assert "1 other folder and 2 references" in text_of(editor, of_secret(app.secrets.get()))


@pytest.mark.parametrize(
    ("rights", "named", "not_named"),
    [
        (
            ("vault.view_folder",),
            ("dev:/refers", "in 1 secret", "3 syncs", "1 sync reads it"),
            ("URL", "imports-it", "org-acme"),
        ),
        (("vault.view_folder", "syncs.view_devinsync"), ("imports-it", "org-acme"), ("PROD_TOKEN", "URL")),
    ],
)
def test_what_one_may_not_see_of_a_folder_is_counted(
    secret: Secret, rights: tuple[str, ...], named: tuple[str, ...], not_named: tuple[str, ...]
) -> None:
    page = text_of(person(*rights), of_folder(secret.folder))

    assert [name for name in named if name not in page] == []
    assert [name for name in not_named if name in page] == []


def test_what_one_may_not_see_of_a_secret_is_counted(secret: Secret) -> None:
    page = text_of(person("vault.view_secret"), of_secret(secret))

    assert "2 syncs in 2 organizations , through 2 other folders" in page
    assert [name for name in ("imports-it", "org-acme", "dev:/", "refers") if name in page] == []


@pytest.mark.parametrize("role", ["anonymous", "nobody", "staff", "viewer", "operator", "editor", "superuser"])
def test_lets_in_whom_it_should(client_of: ClientOf, secret: Secret, shelf_project: Project, role: str) -> None:
    place = reverse("admin:readers_place", args=[shelf_project.pk]) + "?environment=dev&path=/app"
    client = client_of(role)

    for address in (of_folder(secret.folder), of_secret(secret), place):
        response = client.get(address)
        if role in ("anonymous", "nobody"):
            assert "/login/" in response.headers["Location"]
        else:
            assert response.status_code == (403 if role == "staff" else 200)


def test_every_route_is_looked_at_here() -> None:
    admin_urls = next(pattern for pattern in get_resolver().url_patterns if "admin/" in str(pattern.pattern))
    names = {name for name in admin_urls.reverse_dict if isinstance(name, str) and name.startswith("readers_")}  # type: ignore[union-attr]

    assert names == {"readers_folder", "readers_secret", "readers_place"}


@pytest.mark.parametrize("role", ["viewer", "superuser"])
def test_no_value_is_shown_or_loaded(client_of: ClientOf, secret: Secret, role: str) -> None:
    client = client_of(role)

    for address in (of_folder(secret.folder), of_secret(secret)):
        with CaptureQueriesContext(database) as queries:
            page = client.get(address).content.decode()
        assert VALUE not in page
        assert not [query for query in queries if "sealed_value" in query["sql"]]


def test_more_readers_cost_no_more_queries(editor: Client, secret: Secret, sync_of: AddSync) -> None:
    def cost(address: str) -> int:
        with CaptureQueriesContext(database) as queries:
            editor.get(address)
        return len(queries)

    addresses = (of_folder(secret.folder), of_secret(secret))
    before = [cost(address) for address in addresses]
    for number in range(12):
        folder = editing.create_folder(secret.folder.environment, f"/more-{number}", by=ANYBODY)
        editing.add_import(folder, secret.folder, by=ANYBODY)
        editing.set_secret(folder, f"REFERS_{number}", "${TOKEN}", by=ANYBODY)
        sync_of(folder, f"more-{number}")

    assert [cost(address) for address in addresses] == before
    assert max(before) <= 25


def test_no_more_is_shown_than_anybody_reads(
    editor: Client, secret: Secret, sync_of: AddSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST_ROWS", 2)
    monkeypatch.setattr(report, "MOST_SYNCS", 1)

    page = text_of(editor, of_secret(secret))

    assert "And 1 more. Open a folder" in page
    assert "And 1 more syncs" in page
    assert "2 syncs in 2 organizations" in page


@pytest.fixture
def linked_syncs(shelf_project: Project, sync_of: AddSync, app: Folder) -> LinkedProject:
    to = Connection.objects.get(name="acme")
    for name, path in (("direct", "/app"), ("through", "/web"), ("apart", "/other")):
        sync = DevinSync(name=name, project=shelf_project, connection=to, org_id=f"org-{name}")
        sync.source = Found(Place("dev", path), EnvironmentEntry("dev", "Dev"))
        sync.save()
    note_read(shelf_project, Place("dev", "/web"), [SourceSecret("A", VALUE, "dev", "/app")], recursive=False)
    return LinkedProject.objects.get(project=shelf_project)


def test_a_place_kept_elsewhere_is_read_as_far_as_is_known(editor: Client, linked_syncs: LinkedProject) -> None:
    address = reverse("admin:readers_place", args=[linked_syncs.project_id])

    page = text_of(editor, f"{address}?environment=dev&path=/app")

    assert "2 syncs in 2 organizations , through 1 other folder" in page
    assert "dev:/web takes secrets from it through to org-through" in page
    assert "apart" not in page
    assert "the source was not asked" in page


@pytest.mark.parametrize("query", ["", "?environment=dev", "?environment=dev&path=app"])
def test_a_place_that_is_none_is_not_found(editor: Client, linked_syncs: LinkedProject, query: str) -> None:
    assert editor.get(reverse("admin:readers_place", args=[linked_syncs.project_id]) + query).status_code == 404


def test_a_project_of_the_vault_has_its_own_pages(editor: Client, app: Folder) -> None:
    address = reverse("admin:readers_place", args=[app.environment.project_id])

    assert editor.get(f"{address}?environment=dev&path=/app").status_code == 404


@pytest.mark.parametrize(("slug", "is_carried"), [("devin", True), ("other", False)])
def test_a_sync_that_chooses_by_tags_carries_what_has_them_where_it_is_stored(
    client: Client, admin_user: User, secret: Secret, slug: str, is_carried: bool
) -> None:
    """It reads a folder that imports the secret."""
    editing.change_tags(secret.folder.environment.project, [secret], add=[slug], remove=[], by=ANYBODY)
    DevinSync.objects.filter(name="imports-it").update(only_tags="dev*")
    client.force_login(admin_user)

    assert ("PROD_TOKEN" in text_of(client, reverse("admin:readers_secret", args=[secret.pk]))) is is_carried
