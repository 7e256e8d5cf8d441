"""Nobody, and no thread of the web server, waits out what Devin asks a worker to wait."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from sandbox.faults import Kind
from sandbox.server import Sandbox
from syncs.admin.wizard.beside import check_access
from tests.syncs.conftest import ORG, Bench
from tests.syncs.wizard_walk import Walk
from vault.models import Folder

TOLD = "Devin allows no more requests for 59 seconds. Try again then."


@pytest.fixture(autouse=True)
def _limited(client: Client, admin_user: User, sandbox: Sandbox) -> None:
    client.force_login(admin_user)
    sandbox.faults.add(Kind.RATE_LIMITED, times=None, retry_after=59)


def test_the_plan_page_says_when_to_come_again(client: Client, bench: Bench, sandbox: Sandbox) -> None:
    response = client.get(reverse("admin:syncs_devinsync_plan", args=[bench.sync.pk]))

    assert response.status_code == 200
    assert TOLD in response.content.decode()
    assert len(sandbox.log.requests()) == 1


def test_the_wizard_says_so_on_its_last_step(
    client: Client, folder: Folder, connection: Connection, sandbox: Sandbox
) -> None:
    response = Walk(client, folder, connection).to_review()

    assert TOLD in response.content.decode()
    assert len(sandbox.log.requests()) <= 2


def test_the_check_of_an_organization_says_so(connection: Connection, sandbox: Sandbox) -> None:
    access = check_access(connection, ORG)

    assert access.problem.endswith(TOLD)
    assert len(sandbox.log.requests()) == 1


def test_the_button_of_a_connection_says_so(client: Client, connection: Connection, sandbox: Sandbox) -> None:
    test = reverse("admin:connections_connection_test", args=[connection.pk])

    response = client.post(test, follow=True)

    assert TOLD in response.content.decode()
    assert len(sandbox.log.requests()) == 1
