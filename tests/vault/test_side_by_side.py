"""Environments beside one another: what is where is told to all who see it, what is the same to who may read values."""

import re
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import editing
from vault.models import Environment, Folder, Project, Secret, SecretVersion
from vault.pages.sideways import KEYS_A_PAGE
from vault.sideways import Column, letters_of, load_rows
from vault.values import open_value

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
CANARY = "canary-sideways-5d20"


@pytest.fixture
def qa(project: Project) -> Environment:
    return editing.create_environment(project, name="QA", slug="qa", by=ANYBODY)


@pytest.fixture
def folders(dev: Environment, prod: Environment, qa: Environment, app: Folder) -> list[Folder]:
    """Of dev, prod and qa, with keys named after what is to be seen of them."""
    there = [app, *(editing.create_folder(each, "/app", by=ANYBODY) for each in (prod, qa))]
    values = [
        {"EQUAL": CANARY, "OTHER": CANARY + "1", "THREE": "1", "TWO": CANARY, "ONE": "1", "TEXT": "${x}"},
        {"EQUAL": CANARY, "OTHER": CANARY + "2", "THREE": "2", "TWO": CANARY, "TEXT": "$${x}"},
        {"EQUAL": CANARY, "OTHER": CANARY + "1", "THREE": "3", "TEXT": "$${x}"},
    ]
    for folder, its in zip(there, values, strict=True):
        editing.set_secrets(folder, its, literal={"TEXT": folder == app}, by=ANYBODY)
    return there


def ask(client: Client, project: Project, **query: Any) -> Any:
    return client.get(reverse("admin:vault_side_by_side", args=[project.pk]), {"path": "/app"} | query)


def marks(page: Any) -> dict[str, list[str]]:
    return {row.key: [cell.mark for cell in row.cells] for row in page.context["rows"]}


ALL = {
    "EQUAL": ["same", "same", "same"],
    "ONE": ["only here", "missing", "missing"],
    "OTHER": ["A", "B", "A"],
    "TEXT": ["same", "same", "same"],
    "THREE": ["A", "B", "C"],
    "TWO": ["same", "same", "missing"],
}


def test_says_of_each_key_where_it_is_and_what_is_the_same(
    editor: Client, project: Project, folders: list[Folder]
) -> None:
    page = ask(editor, project)

    assert marks(page) == ALL
    assert CANARY not in page.content.decode()


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({"show": "differs"}, ["ONE", "OTHER", "THREE", "TWO"]),
        ({"show": "missing"}, ["ONE", "TWO"]),
        ({"q": "t"}, ["OTHER", "TEXT", "THREE", "TWO"]),
        ({"q": "t", "show": "differs"}, ["OTHER", "THREE", "TWO"]),
        ({"environment": ["dev", "prod"], "show": "differs"}, ["ONE", "OTHER", "THREE"]),
        ({"path": "/nowhere"}, []),
        ({"path": "a b"}, []),
    ],
)
def test_shows_what_is_asked_for(
    editor: Client, project: Project, folders: list[Folder], *, query: dict[str, Any], keys: list[str]
) -> None:
    page = ask(editor, project, **query)

    assert page.status_code == 200
    assert list(marks(page)) == keys


def test_whoever_may_not_read_values_sees_what_is_there_alone(
    client_of: ClientOf, project: Project, folders: list[Folder]
) -> None:
    viewer = client_of("viewer")

    page = ask(viewer, project)

    assert marks(page) == {
        key: ["missing" if mark == "missing" else "present" for mark in its] for key, its in ALL.items()
    }
    assert list(marks(ask(viewer, project, show="differs"))) == ["ONE", "TWO"]
    editing.set_secret(folders[1], "EQUAL", "guessed", by=ANYBODY)
    without_versions = re.compile(rb"value=\"[^\"]*\"|[0-9a-f-]{36}|nonce=\S+")
    before, after = (without_versions.sub(b"", each.content) for each in (page, ask(viewer, project)))
    assert before == after


def test_a_value_that_cannot_be_read_is_said_so(editor: Client, project: Project, folders: list[Folder]) -> None:
    Secret.objects.filter(folder=folders[1], key="EQUAL").update(sealed_value="ds1.broken")

    page = ask(editor, project, show="differs")

    assert marks(page)["EQUAL"] == ["same", "can't be read", "same"]


def test_ticked_keys_are_copied_across(
    editor: Client, project: Project, folders: list[Folder], qa: Environment
) -> None:
    address = reverse("admin:vault_secrets_copy", args=[folders[0].pk])
    assert address in ask(editor, project).content.decode()
    sent = {"key": ["ONE", "TWO", "OTHER", "THREE"], "environment": str(qa.pk), "path": "/app", "replaces": "on"}

    preview = editor.post(address, sent)
    assert preview.context["preview"].lines == [
        "2 new in qa:/app: ONE, TWO",
        "1 replaced in qa:/app, as a new version: THREE",
        "1 the same in qa:/app already: OTHER",
    ]
    editor.post(address, sent | {"seen": preview.context["preview"].seen})

    assert {key: its[2] for key, its in marks(ask(editor, project)).items() if its[0] == its[2]} == {
        "EQUAL": "same",
        "ONE": "same",
        "OTHER": "A",
        "TEXT": "same",
        "THREE": "A",
        "TWO": "same",
    }
    three = folders[2].secrets.select_related("folder__environment").get(key="THREE")
    assert (three.version, open_value(three)) == (2, "1")


def fill(project: Project, environments: int, keys: int) -> None:
    """Rows that are made without sealing each: what can't be read is looked at like any other."""
    for number in range(environments):
        row = editing.create_environment(project, name=f"Env {number}", slug=f"env-{number}", by=ANYBODY)
        folder = editing.create_folder(row, "/app", by=ANYBODY)
        secrets = [Secret(folder=folder, key=f"KEY_{key:05}", sealed_value="ds1.x") for key in range(keys)]
        Secret.objects.bulk_create(secrets, batch_size=500)
        SecretVersion.objects.bulk_create(
            [SecretVersion(secret=secret, version=1, sealed_value="ds1.x") for secret in secrets], batch_size=500
        )


@pytest.mark.parametrize("show", ["", "differs"])
def test_many_keys_take_pages_and_few_statements(editor: Client, project: Project, show: str) -> None:
    Environment.objects.filter(project=project).delete()
    fill(project, 6, 2_000)
    ask(editor, project)

    with CaptureQueriesContext(database) as statements:
        page = ask(editor, project, show=show, page="2")

    assert page.context["shown"].paginator.count == 2_000
    assert len(page.context["rows"]) == KEYS_A_PAGE
    assert page.context["rows"][0].key == f"KEY_{KEYS_A_PAGE:05}"
    assert len(statements) <= 25


def test_of_more_environments_than_fit_some_are_chosen(editor: Client, project: Project) -> None:
    Environment.objects.filter(project=project).delete()
    fill(project, 8, 1)

    assert len(ask(editor, project).context["columns"]) == 6
    chosen = ask(editor, project, environment=["env-7", "env-1"])
    assert [column.environment.slug for column in chosen.context["columns"]] == ["env-1", "env-7"]


def test_begins_where_most_environments_have_something(
    editor: Client, project: Project, dev: Environment, folders: list[Folder]
) -> None:
    alone = editing.create_folder(dev, "/alone", by=ANYBODY)
    editing.set_secrets(alone, {f"KEY_{number}": "x" for number in range(20)}, by=ANYBODY)

    page = editor.get(reverse("admin:vault_side_by_side", args=[project.pk]))

    assert (page.context["path"], page.context["paths"]) == ("/app", ["/app", "/alone"])
    assert '<option value="/alone">' in page.content.decode()


def test_an_empty_project_says_what_to_do(editor: Client, project: Project) -> None:
    assert "No environment has a folder" in ask(editor, project).content.decode()
    assert "has a secret in" in ask(editor, project, path="/").content.decode()
    Environment.objects.filter(project=project).delete()
    assert "nothing to compare here yet" in ask(editor, project, path="").content.decode()


@pytest.mark.parametrize(
    ("index", "letters"),
    [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")],
)
def test_values_beyond_the_alphabet_go_on_as_columns_of_tables_do(index: int, letters: str) -> None:
    assert letters_of(index) == letters
    assert len({letters_of(number) for number in range(1000)}) == 1000


def test_more_values_than_letters_are_told_apart(project: Project) -> None:
    columns = []
    for number in range(30):
        environment = editing.create_environment(project, name=f"E{number}", slug=f"e{number}", by=ANYBODY)
        root = environment.folders.select_related("environment").get(path="/")
        editing.set_secret(root, "KEY", str(number), by=ANYBODY)
        columns.append(Column(environment, root))

    (row,) = load_rows(columns, ["KEY"], compares=True)

    assert [cell.mark for cell in row.cells][24:28] == ["Y", "Z", "AA", "AB"]
    assert all(cell.is_letter for cell in row.cells)
