"""A person decides by names what may be deleted, so each character of a name can be seen."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from sandbox.organization import Organization
from tests.syncs.conftest import Bench
from tests.syncs.wizard_walk import Walk

DISGUISED = "\N{RIGHT-TO-LEFT OVERRIDE}LRU_BD\x1b[2J\N{ZERO WIDTH SPACE}"
SHOWN = "‹U+202E›LRU_BD‹U+001B›[2J‹U+200B›"


@pytest.fixture(autouse=True)
def _disguised(client: Client, admin_user: User, organization: Organization) -> None:
    client.force_login(admin_user)
    organization.put(key=DISGUISED)


def test_on_the_plan_and_the_run(client: Client, bench: Bench) -> None:
    bench.source(A="1")
    bench.options(strangers="delete")

    plan = client.get(reverse("admin:syncs_devinsync_plan", args=[bench.sync.pk])).content.decode()
    run = client.get(bench.run().get_absolute_url()).content.decode()

    for page in (plan, run):
        assert SHOWN in page
        assert not any(char in page for char in "\N{RIGHT-TO-LEFT OVERRIDE}\x1b\N{ZERO WIDTH SPACE}")


def test_on_the_last_step_of_the_wizard(client: Client, bench: Bench) -> None:
    page = Walk(client, bench.folder, bench.sync.connection, options={"key_schema": ""}).to_review().content.decode()

    assert SHOWN in page
    assert DISGUISED not in page
