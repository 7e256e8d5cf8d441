"""Pages of projects with more folders, readers and keys than anybody reads: some are shown, all can be found."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connections.models import Connection
from syncs.models import DevinSync
from tests.actors import ANYBODY
from vault import editing
from vault.forms import MOST_LISTED, ImportForm
from vault.models import Environment, Folder, Project
from vault.pages.folders import NAMED, READERS_NAMED
from vault.pages.trees import FOLDERS_A_PAGE

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
MANY = FOLDERS_A_PAGE + 20


def add_folders(environment: Environment, count: int) -> list[Folder]:
    root = environment.folders.get(path="/")
    names = [f"f{number:03}" for number in range(count)]
    rows = [Folder(environment=environment, parent=root, name=name, path=f"/{name}") for name in names]
    return Folder.objects.bulk_create(rows)


def add_readers(folder: Folder, count: int) -> list[DevinSync]:
    to = Connection.objects.create(name="acme", base_url="https://devin.example")
    project = folder.environment.project
    return [
        DevinSync.objects.create(
            name=f"reader-{number:02}", project=project, folder=folder, connection=to, org_id=f"org-{number}"
        )
        for number in range(count)
    ]


@pytest.fixture
def shown(editor: Client, project: Project) -> Callable[..., list[str]]:
    """The paths of the first environment that its project's page shows."""

    def ask(**query: str) -> list[str]:
        page = editor.get(reverse("admin:vault_project_page", args=[project.pk]), query)
        (_, tree), _ = page.context["environments"]
        return [folder.path for folder in tree]

    return ask


def test_a_project_shows_its_folders_some_at_a_time(dev: Environment, shown: Callable[..., list[str]]) -> None:
    folders = add_folders(dev, MANY)
    paths = ["/", *(folder.path for folder in folders)]

    assert shown() == paths[:FOLDERS_A_PAGE]
    assert shown(environment="dev", page="2") == paths[FOLDERS_A_PAGE:]
    assert shown(environment="prod", page="2") == paths[:FOLDERS_A_PAGE]
    assert shown(q="F01") == [path for path in paths if "/f01" in path]
    assert shown(q="nowhere") == []


def test_the_page_of_a_project_takes_as_many_statements_however_many_folders(
    dev: Environment, project: Project, editor: Client
) -> None:
    url = reverse("admin:vault_project_page", args=[project.pk])
    editor.get(url)
    with CaptureQueriesContext(database) as few:
        editor.get(url)
    add_folders(dev, MANY)

    with CaptureQueriesContext(database) as many:
        page = editor.get(url).content.decode()

    assert len(few) == len(many)
    assert "?page=2&amp;q=&amp;environment=dev" in page
    assert reverse("admin:vault_folder_add", args=[dev.folders.get(path="/").pk]) in page


def test_a_folder_shows_those_below_some_at_a_time(editor: Client, dev: Environment, root: Folder) -> None:
    add_folders(dev, MANY)
    url = reverse("admin:vault_folder_page", args=[root.pk])

    first, second = (editor.get(url, {"folders": number}) for number in ("1", "2"))

    assert [len(page.context["subfolders"]) for page in (first, second)] == [FOLDERS_A_PAGE, MANY - FOLDERS_A_PAGE]
    assert "?folders=2" in first.content.decode()


def test_a_folder_names_some_keys_of_an_import_and_some_readers(editor: Client, app: Folder, shared: Folder) -> None:
    editing.set_secrets(shared, {f"KEY_{number:03}": "1" for number in range(NAMED + 7)}, by=ANYBODY)
    editing.add_import(app, shared, by=ANYBODY)
    add_readers(app, READERS_NAMED + 3)

    page = editor.get(reverse("admin:vault_folder_page", args=[app.pk])).content.decode()

    assert page.count("<code>KEY_") == NAMED
    assert "and 7 more, on the page of that folder" in page
    assert page.count("reader-") == READERS_NAMED
    assert "and 3 more" in page


def test_of_many_folders_the_one_to_import_is_typed(app: Folder, dev: Environment, admin_user: User) -> None:
    add_folders(dev, MOST_LISTED)

    def typed(text: str) -> ImportForm:
        return ImportForm(app, admin_user, {"source": text})

    assert "<select" not in str(ImportForm(app, admin_user))
    assert typed(" dev:/f007 ").is_valid()
    assert typed("dev:/f007").fields["source"].clean("dev:/f007").path == "/f007"
    for wrong in ("dev:/nowhere", "prod:/f007", "/f007", "dev:/app", "f007", ""):
        assert not typed(wrong).is_valid()


def test_of_a_few_it_is_chosen(app: Folder, shared: Folder, admin_user: User) -> None:
    assert "<select" in str(ImportForm(app, admin_user))
    assert ImportForm(app, admin_user, {"source": str(shared.pk)}).is_valid()
    assert not ImportForm(app, admin_user, {"source": "dev:/shared"}).is_valid()


def test_what_keeps_a_project_is_named_and_counted(admin_client: Client, app: Folder, project: Project) -> None:
    add_readers(app, 25)

    page = admin_client.get(reverse("admin:vault_project_delete", args=[project.pk])).content.decode()

    assert page.count("reader-") == 20
    assert "and 5 more" in page
