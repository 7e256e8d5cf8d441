"""Projects and environments by form: what is refused where, what is saved, and what keeps a project."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from syncs.choices import Status
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import editing
from vault.models import Environment, Folder, Project

ADD = "admin:vault_project_add"
NEW = {"name": "Other", "slug": "other", "description": "", "environments": "dev, prod"}
REFUSED = {
    "no name": ({"name": ""}, "name", "required"),
    "spaces alone as a name": ({"name": "   "}, "name", "required"),
    "a name that reads as another": ({"name": "\N{RIGHT-TO-LEFT OVERRIDE}dorP"}, "name", "turn round the text"),
    "a control character in the name": ({"name": "Pr\x1bod"}, "name", "control characters"),
    "a name that is too long": ({"name": "x" * 65}, "name", "at most 64"),
    "a control character in the description": ({"description": "a\x1bb"}, "description", "control characters"),
    "a description that is too long": ({"description": "x" * 257}, "description", "at most 256"),
    "capital letters in the slug": ({"slug": "Other"}, "slug", "lower-case"),
    "a slug that is taken": ({"slug": "shop"}, "slug", "already"),
}


def post(client: Client, page: str, row: Any = None, /, **data: str) -> Any:
    return client.post(reverse(f"admin:vault_{page}", args=[row.pk] if row else []), data)


@pytest.mark.parametrize(("data", "field", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_new_project_is_refused_at_its_field(
    editor: Client, project: Project, data: dict[str, str], field: str, message: str
) -> None:
    response = post(editor, "project_add", **NEW | data)

    assert message in str(response.context["adminform"].form.errors[field])
    assert Project.objects.get() == project


@pytest.mark.parametrize(("data", "field", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_changed_project_is_refused_at_its_field(
    editor: Client, project: Project, data: dict[str, str], field: str, message: str
) -> None:
    other = editing.create_project(name="Other", environments=(), by=ANYBODY)

    response = post(editor, "project_change", other, **NEW | data)

    assert message in str(response.context["adminform"].form.errors[field])
    assert Project.objects.filter(pk=other.pk).values("name", "slug", "description").get() == {
        "name": "Other",
        "slug": "other",
        "description": "",
    }


def test_changes_a_project_and_tells_no_reader(editor: Client, project: Project, announced: list[set[str]]) -> None:
    response = post(editor, "project_change", project, name="Store", slug="store", description="All of it")

    project.refresh_from_db()
    assert response.headers["Location"] == reverse("admin:vault_project_page", args=[project.pk])
    assert (project.name, project.slug, project.description, project.revision) == ("Store", "store", "All of it", 1)
    assert announced == []
    assert "Name" in LogEntry.objects.get().get_change_message()


def test_a_project_may_keep_its_own_slug(editor: Client, project: Project) -> None:
    assert post(editor, "project_change", project, name="Store", slug="shop", description="").status_code == 302


def test_the_list_counts_what_is_in_each(
    editor: Client, project: Project, app: Folder, prod: Environment, root: Folder
) -> None:
    editing.set_secrets(app, {"A": "1", "B": "2"}, by=ANYBODY)
    editing.set_secret(prod.folders.get(), "C", "3", by=ANYBODY)
    editing.create_project(name="Empty", environments=(), by=ANYBODY)
    url = reverse("admin:vault_project_changelist")

    with CaptureQueriesContext(connection) as few:
        response = editor.get(url)
    columns = {row.slug: row.secret_count for row in response.context["cl"].result_list}
    for number in range(5):
        editing.create_project(name=f"More {number}", environments=[("Dev", "dev")], by=ANYBODY)
    with CaptureQueriesContext(connection) as many:
        editor.get(url)

    assert columns == {"empty": 0, "shop": 3}
    assert ">dev, prod<" in response.content.decode()
    assert ">none<" in response.content.decode()
    assert len(many) == len(few)


@pytest.mark.parametrize("query", ["sho", "Shop", "sell things"])
def test_finds_projects_by_name_slug_and_description(editor: Client, project: Project, query: str) -> None:
    editing.update_project(project, description="Where we sell things", by=ANYBODY)
    editing.create_project(name="Blog", environments=(), by=ANYBODY)

    response = editor.get(reverse("admin:vault_project_changelist"), {"q": query})

    assert [row.slug for row in response.context["cl"].result_list] == ["shop"]


def test_several_projects_go_at_once_and_tell_their_readers(
    editor: Client, project: Project, announced: list[set[str]]
) -> None:
    other = editing.create_project(name="Other", environments=[("QA", "qa")], by=ANYBODY)
    data: dict[str, Any] = {"action": "delete_selected", "_selected_action": [str(project.pk), str(other.pk)]}
    url = reverse("admin:vault_project_changelist")

    asked = editor.post(url, data).content.decode()
    editor.post(url, data | {"post": "yes"})

    assert "5 folders" in asked or "Project Other" in asked
    assert not Project.objects.exists()
    assert sorted(announced, key=len) == [{"qa:/"}, {"dev:/", "prod:/"}]


def test_a_project_that_a_sync_uses_stays_and_names_it(
    client_of: ClientOf, add_sync: Callable[..., DevinSync], announced: list[set[str]]
) -> None:
    project = add_sync("nightly", Status.SUCCEEDED).folder.environment.project  # type: ignore[union-attr]
    admin = client_of("superuser")

    asked = admin.get(reverse("admin:vault_project_delete", args=[project.pk])).content.decode()
    post(admin, "project_delete", project, post="yes")

    assert "nightly" in asked
    assert Project.objects.get() == project
    assert announced == []


def test_an_environment_is_refused_at_its_field(editor: Client, project: Project, dev: Environment) -> None:
    refusals = {
        "name": [{"name": ""}, {"name": "a\x1bb"}, {"name": "x" * 65}],
        "slug": [{"name": "X", "slug": "a b"}, {"name": "Prod"}, {"name": "日本"}, {"name": "X", "slug": "x" * 65}],
        "position": [
            {"name": "X", "position": "-1"},
            {"name": "X", "position": "10001"},
            {"name": "X", "position": "x"},
        ],
    }

    for field, cases in refusals.items():
        for data in cases:
            response = post(editor, "environment_add", project, **data)
            assert field in response.context["form"].errors, data
    assert project.environments.count() == 2


def test_a_refused_environment_keeps_its_saved_name(editor: Client, dev: Environment) -> None:
    response = post(editor, "environment_edit", dev, name="Unsaved", slug="prod")

    assert "already" in response.context["form"].errors["slug"][0]
    assert "Edit Development" in response.content.decode()
    assert "Edit Unsaved" not in response.content.decode()
    assert Environment.objects.get(pk=dev.pk).name == "Development"


def test_an_environment_without_a_place_keeps_the_one_it_has(
    editor: Client, dev: Environment, prod: Environment
) -> None:
    post(editor, "environment_edit", prod, name="Live", slug="prod", position="")

    prod.refresh_from_db()
    assert (prod.name, prod.slug, prod.position) == ("Live", "prod", 2)


def test_editing_an_environment_warns_of_what_its_slug_holds_together(editor: Client, dev: Environment) -> None:
    page = editor.get(reverse("admin:vault_environment_edit", args=[dev.pk])).content.decode()

    assert "References name an environment by its slug." in page
    assert "{{environment}} rename their secrets" in page


def test_deleting_an_environment_says_what_goes(
    client_of: ClientOf, add_sync: Callable[..., DevinSync], announced: list[set[str]]
) -> None:
    folder = add_sync("nightly", Status.SUCCEEDED).folder
    assert folder is not None
    editing.set_secrets(folder, {"A": "1", "B": "2"}, by=ANYBODY)
    editing.create_folder(folder.environment, "/app/api", by=ANYBODY)
    admin, url = client_of("superuser"), reverse("admin:vault_environment_delete", args=[folder.environment_id])
    announced.clear()

    response = admin.get(url)
    assert response.context["contents"] == ["3 folders", "2 secrets with all versions"]
    assert [told.reader for told in response.context["foreseen"].told] == ["nightly"]
    assert "Nothing was deleted." in admin.post(url).content.decode()
    assert announced == []

    admin.post(url, {"seen": response.context["foreseen"].seen})
    assert announced == [{"prod:/", "prod:/app", "prod:/app/api"}]
    assert not Folder.objects.exists()
    assert LogEntry.objects.get().change_message == "Deleted the environment prod."


def test_an_environment_that_others_import_from_says_who(
    editor: Client, dev: Environment, prod: Environment, app: Folder
) -> None:
    editing.add_import(prod.folders.get(), app, by=ANYBODY)

    page = post(editor, "environment_delete", dev).content.decode()

    assert "Nothing was deleted." in page
    assert "The environment dev is imported by prod:/." in page
    assert "ds-btn--danger" not in page
    assert Environment.objects.filter(pk=dev.pk).exists()


def test_folders_stand_below_the_one_that_they_are_in(editor: Client, project: Project, dev: Environment) -> None:
    for path in ("/a-b", "/a/z", "/a", "/B"):
        if not dev.folders.filter(path=path).exists():
            editing.create_folder(dev, path, by=ANYBODY)

    (_, tree), _ = editor.get(reverse("admin:vault_project_page", args=[project.pk])).context["environments"]

    assert [folder.path for folder in tree] == ["/", "/B", "/a", "/a/z", "/a-b"]
