"""Old values are found by all who see secrets, equal ones by whoever may read them; no value is ever shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common import clock
from tests.actors import ANYBODY
from tests.vault.conftest import ClientOf
from vault import ageing, editing
from vault.editing import Labels
from vault.models import Environment, Folder, Project, Secret, SecretVersion

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
CANARY = "canary-ageing-0e77"


def ask(client: Client, project: Project, **query: Any) -> Any:
    return client.get(reverse("admin:vault_ageing", args=[project.pk]), query)


def age(folder: Folder, key: str, days: int) -> None:
    SecretVersion.objects.filter(secret__folder=folder, secret__key=key).update(
        created_at=clock.now() - timedelta(days=days)
    )


def keys(page: Any) -> list[str]:
    return [secret.key for secret in page.context["shown"]]


@pytest.fixture
def aged(app: Folder, prod: Environment) -> Folder:
    there = editing.create_folder(prod, "/app", by=ANYBODY)
    editing.set_secrets(app, {"OLDEST": CANARY, "OLD": "1", "NEW": "1"}, by=ANYBODY)
    editing.set_secrets(there, {"LIVE": "1"}, by=ANYBODY)
    for folder, key, days in ((app, "OLDEST", 900), (app, "OLD", 201), (app, "NEW", 199), (there, "LIVE", 300)):
        age(folder, key, days)
    return app


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, ["OLDEST", "LIVE", "OLD"]),
        ({"days": "250"}, ["OLDEST", "LIVE"]),
        ({"days": "100", "environment": "dev"}, ["OLDEST", "OLD", "NEW"]),
        ({"days": "3650"}, []),
        ({"days": "٣"}, ["OLDEST", "LIVE", "OLD"]),
        ({"days": "-1"}, ["OLDEST", "LIVE", "OLD"]),
        ({"days": "0"}, ["OLDEST", "LIVE", "OLD", "NEW"]),
        ({"environment": "nowhere"}, ["OLDEST", "LIVE", "OLD"]),
    ],
)
def test_names_the_oldest_values_first(
    client_of: ClientOf, project: Project, aged: Folder, *, query: dict[str, str], wanted: list[str]
) -> None:
    page = ask(client_of("viewer"), project, **query)

    assert keys(page) == wanted
    assert CANARY not in page.content.decode()


def test_what_changes_no_value_makes_none_newer(
    editor: Client, project: Project, aged: Folder, dev: Environment
) -> None:
    oldest = aged.secrets.select_related("folder__environment__project").get(key="OLDEST")
    editing.update_secret(oldest, comment="For people", by=ANYBODY)
    editing.set_labels(project.pk, {oldest: Labels(reminder_days=30)}, by=ANYBODY)
    editing.move_secrets(aged, ["OLDEST"], dev, "/elsewhere", carries_references=True, by=ANYBODY)

    assert keys(ask(editor, project, days="800")) == ["OLDEST"]
    editing.set_secret(oldest.folder, "OLD", "2", by=ANYBODY)
    assert "OLD" not in keys(ask(editor, project))


@pytest.fixture
def repeated(app: Folder, shared: Folder, prod: Environment) -> Folder:
    live = editing.create_folder(prod, "/app", by=ANYBODY)
    editing.set_secrets(app, {"A": CANARY, "B": CANARY + "2", "PORT": "5432", "REF": "${A}" + CANARY}, by=ANYBODY)
    editing.set_secrets(
        shared, {"A2": CANARY, "PORT": "5432", "REF": "${A}" + CANARY, "TEXT": "$${x} and more"}, by=ANYBODY
    )
    editing.set_secrets(
        live, {"A": CANARY, "B": CANARY + "2", "TEXT": "${x} and more"}, literal={"TEXT": True}, by=ANYBODY
    )
    return app


def groups(page: Any) -> list[list[str]]:
    return [[f"{secret.folder} {secret.key}" for secret in one.secrets] for one in page.context["shown"]]


def test_names_those_that_have_one_value(editor: Client, project: Project, repeated: Folder) -> None:
    page = ask(editor, project, view="repeated")

    assert groups(page) == [
        ["dev:/app A", "dev:/shared A2", "prod:/app A"],
        ["dev:/app B", "prod:/app B"],
        ["dev:/shared TEXT", "prod:/app TEXT"],
    ]
    assert CANARY not in page.content.decode()
    assert groups(ask(editor, project, view="repeated", environment="dev")) == [["dev:/app A", "dev:/shared A2"]]


def test_what_cannot_be_read_is_left_out(editor: Client, project: Project, repeated: Folder) -> None:
    Secret.objects.filter(key="B").update(sealed_value="ds1.broken")

    assert len(groups(ask(editor, project, view="repeated"))) == 2


def test_equal_values_are_told_to_those_alone_who_may_read_them(
    client_of: ClientOf, project: Project, repeated: Folder
) -> None:
    page = ask(client_of("viewer"), project, view="repeated")

    assert groups(page) == []
    assert "shown to those who may reveal values" in page.content.decode()


def test_of_too_many_an_environment_is_to_be_chosen(
    editor: Client, project: Project, repeated: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vault.pages.ageing.MOST_OPENED", 4)

    assert "Choose an environment" in ask(editor, project, view="repeated").content.decode()
    assert groups(ask(editor, project, view="repeated", environment="prod")) == []


@pytest.mark.parametrize("view", ["old", "repeated"])
def test_takes_as_many_statements_however_many_secrets(
    editor: Client, project: Project, aged: Folder, *, view: str
) -> None:
    ask(editor, project, view=view, days="1")
    with CaptureQueriesContext(database) as few:
        ask(editor, project, view=view, days="1")
    values = {f"KEY_{number:03}": f"{CANARY}-{number // 2}" for number in range(300)}
    editing.set_secrets(aged, values, by=ANYBODY)
    SecretVersion.objects.update(created_at=clock.now() - timedelta(days=5))

    with CaptureQueriesContext(database) as many:
        page = ask(editor, project, view=view, days="1", page="2")

    assert page.context["shown"].paginator.num_pages > 2
    assert len(many) == len(few)


def test_an_empty_project_says_so(editor: Client, project: Project) -> None:
    assert "Every value here is newer" in ask(editor, project).content.decode()
    assert "No two secrets here" in ask(editor, project, view="repeated").content.decode()
    assert ageing.SHORTEST == 8
