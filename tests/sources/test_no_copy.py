"""Nothing of a source that is elsewhere comes to rest here: no table holds a value, whatever was done with it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import reverse

from common import clock
from sandbox.organization import Organization
from sources.models import LinkedProject
from sources.protocol import EnvironmentEntry, Found, Place
from syncs.choices import Status
from syncs.engine.preview import preview
from syncs.models import DevinSync
from syncs.runs import jobs
from tests.sources.hostile import CANARY
from tests.sources.memory import PROJECT_ID, Shelf
from tests.syncs.conftest import ORG, Bench
from vault.models import Folder, Project


def stored() -> Iterator[str]:
    """Everything in the database, row by row."""
    tables = connection.introspection.table_names()
    for model in apps.get_models():
        for row in model._default_manager.values() if model._meta.db_table in tables else ():
            yield f"{model._meta.label} {row}"


@pytest.fixture
def sync(shelf_project: Project, request: pytest.FixtureRequest, rung: list[str]) -> DevinSync:
    to_devin = request.getfixturevalue("connection")
    sync = DevinSync(name="reader", project=shelf_project, connection=to_devin, org_id=ORG)
    sync.source = Found(Place("dev"), EnvironmentEntry("dev", "Dev"))
    sync.save()
    return sync


def test_no_table_holds_a_value(
    shelf: Shelf, sync: DevinSync, organization: Organization, admin_client: Client
) -> None:
    pages = [reverse("admin:sources_project", args=[PROJECT_ID]) + "?environment=dev&path=/", sync.get_absolute_url()]

    preview(sync)
    assert Bench(sync, Folder()).run().status == Status.SUCCEEDED
    shown = [admin_client.get(page).content.decode() for page in pages]
    LinkedProject.objects.update(next_poll_at=clock.now() - timedelta(seconds=1))
    shelf.version = "2"
    jobs.run_sync(PROJECT_ID)

    assert CANARY in str(organization.values()), "or nothing was proved"
    assert [row for row in stored() if CANARY in row] == []
    assert [page for page in shown if CANARY in page] == []
