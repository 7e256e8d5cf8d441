"""The lists of all projects and all secrets: what they find, by what they filter, and what no list tells."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from tests.vault.test_page_permissions import PAGES
from vault import editing
from vault.models import Environment, Folder, Secret

CANARY = "canary-7f3a"
URL = "/admin/vault/secret/"


@pytest.fixture
def secrets(app: Folder, prod: Environment) -> None:
    editing.set_secrets(app, {"TOKEN": CANARY, "HOST": "1"}, comments={"TOKEN": "of the shop"}, by=ANYBODY)
    editing.set_secret(editing.create_folder(prod, "/payments", by=ANYBODY), "TOKEN", "2", by=ANYBODY)
    other = editing.create_project(name="Other", environments=[("Production", "prod")], by=ANYBODY)
    editing.set_secret(other.environments.get().folders.get(), "KEY", "3", by=ANYBODY)


def found(client: Client, **query: str) -> list[str]:
    response = client.get(URL, query)
    assert response.status_code == 200, response.headers
    return [f"{row.folder} {row.key}" for row in response.context["cl"].result_list]


SEARCHES = {
    "a key": ("token", ["dev:/app TOKEN", "prod:/payments TOKEN"]),
    "a comment": ("of the shop", ["dev:/app TOKEN"]),
    "a path": ("/payments", ["prod:/payments TOKEN"]),
    "a part of both": ("token payments", ["prod:/payments TOKEN"]),
    "a value": (CANARY, []),
    "a sign of a pattern": ("%", []),
}


@pytest.mark.parametrize(("query", "rows"), SEARCHES.values(), ids=SEARCHES.keys())
def test_finds_by(editor: Client, secrets: None, query: str, rows: list[str]) -> None:
    assert sorted(found(editor, q=query)) == rows


def test_filters_by_project_and_by_the_environments_slug(editor: Client, secrets: None, app: Folder) -> None:
    project = str(app.environment.project_id)

    assert sorted(found(editor, folder__environment__slug="prod")) == ["prod:/ KEY", "prod:/payments TOKEN"]
    assert sorted(found(editor, folder__environment__project__id__exact=project)) == [
        "dev:/app HOST",
        "dev:/app TOKEN",
        "prod:/payments TOKEN",
    ]
    assert found(editor, folder__environment__slug="prod", folder__environment__project__id__exact=project) == [
        "prod:/payments TOKEN"
    ]


@pytest.mark.parametrize("lookup", ["sealed_value", "sealed_value__contains", "versions__sealed_value__startswith"])
def test_no_filter_looks_at_what_is_sealed(editor: Client, secrets: None, lookup: str) -> None:
    assert editor.get(URL, {lookup: "d"}).status_code == 400


@pytest.mark.parametrize("order", ["1", "2", "3", "4", "5", "6", "-1"])
def test_each_column_can_be_sorted_by_and_tells_no_value(editor: Client, secrets: None, order: str) -> None:
    page = editor.get(URL, {"o": order}).content.decode()

    assert page.count("<tr>") == 5
    assert CANARY not in page
    assert not [sealed for sealed in Secret.objects.values_list("sealed_value", flat=True) if sealed in page]


def test_a_secret_opens_on_the_vaults_own_page(client_of: ClientOf, secrets: None) -> None:
    secret = Secret.objects.get(key="KEY")

    response = client_of("viewer").get(reverse("admin:vault_secret_change", args=[secret.pk]))

    assert response.headers["Location"] == reverse("admin:vault_secret_page", args=[secret.pk])


@pytest.mark.parametrize("page", [*PAGES, "secret_change"])
def test_what_is_not_there_is_not_found(client_of: ClientOf, secrets: None, page: str) -> None:
    client = client_of("superuser")
    url = reverse(f"admin:vault_{page}", args=["3c90c3cc-0d44-4b50-8888-8dd25736052a"])

    assert client.get(url).status_code in (404, 405)
    assert client.post(url).status_code == 404


def test_several_secrets_go_at_once_with_a_look_at_them_before(
    client_of: ClientOf, secrets: None, announced: list[set[str]]
) -> None:
    doomed = [str(pk) for pk in Secret.objects.filter(key="TOKEN").values_list("pk", flat=True)]
    data: dict[str, Any] = {"action": "delete_selected", "_selected_action": doomed}
    editor = client_of("editor")

    asked = editor.post(URL, data).content.decode()
    assert "TOKEN in dev:/app, with all versions" in asked
    assert "TOKEN in prod:/payments, with all versions" in asked
    assert Secret.objects.count() == 4

    editor.post(URL, data | {"post": "yes"})
    assert sorted(Secret.objects.values_list("key", flat=True)) == ["HOST", "KEY"]
    assert announced == [{"dev:/app", "prod:/payments"}]


def test_a_viewer_is_offered_no_deletion_and_can_do_none(client_of: ClientOf, secrets: None) -> None:
    viewer = client_of("viewer")
    doomed = [str(pk) for pk in Secret.objects.values_list("pk", flat=True)]

    assert "delete_selected" not in viewer.get(URL).content.decode()
    viewer.post(URL, {"action": "delete_selected", "_selected_action": doomed, "post": "yes"})

    assert Secret.objects.count() == 4
