"""What a person decides in the admin: on what a stopped sync holds, and on what DevinSync did not write."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from sandbox.organization import Organization
from syncs.choices import Status, Strangers
from syncs.editing import waiting_strangers
from syncs.models import ManagedSecret, StrangerDecision, SyncRun
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung")]


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


def page_of(bench: Bench, name: str) -> str:
    return reverse(f"admin:syncs_devinsync_{name}", args=[bench.sync.pk])


def look(client: Client, bench: Bench, name: str) -> str:
    return client.get(page_of(bench, name)).content.decode()


def may(*codenames: str) -> User:
    user = User.objects.create_user("some", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


# Taking over


@pytest.fixture
def heir(bench: Bench, other: Bench) -> Bench:
    """The other sync wants what a disabled one holds."""
    bench.source(API_KEY="1")
    bench.run()
    bench.options(is_enabled=False)
    other.source(API_KEY="1")
    return other


def test_the_plan_offers_to_take_over_and_counts_it(client: Client, heir: Bench) -> None:
    page = look(client, heir, "plan")

    assert "Take over 1 secret?" in page
    assert "but it is disabled" in page


def test_taking_over_starts_a_run_that_does_it(client: Client, heir: Bench) -> None:
    token = client.get(page_of(heir, "plan")).context["take_over_token"]

    client.post(page_of(heir, "run"), {"take_over": token})

    run = SyncRun.objects.pending().get(sync=heir.sync)
    assert run.takes_over == ["API_KEY"]
    assert heir.carry_out(run).status == Status.SUCCEEDED
    assert ManagedSecret.objects.get().sync == heir.sync


def test_another_plans_word_takes_nothing_over(client: Client, heir: Bench) -> None:
    token = client.get(page_of(heir, "plan")).context["plan_token"]

    response = client.post(page_of(heir, "run"), {"take_over": token})

    assert response.status_code == 302
    assert not SyncRun.objects.pending().filter(sync=heir.sync, takes_over__isnull=False).exists()


def test_taking_over_needs_a_right_of_its_own(client: Client, heir: Bench) -> None:
    token = client.get(page_of(heir, "plan")).context["take_over_token"]
    client.force_login(may("view_devinsync", "plan_devinsync", "run_devinsync"))

    assert "Your account may not decide this" in look(client, heir, "plan")
    assert client.post(page_of(heir, "run"), {"take_over": token}).status_code == 403


# Strangers


@pytest.fixture
def asking(bench: Bench, organization: Organization) -> Bench:
    for key in ("FIRST", "SECOND"):
        organization.put(key=key, value="by hand")
    bench.options(strangers=Strangers.ASK)
    bench.source(A="1")
    bench.run()
    return bench


def choose(client: Client, bench: Bench, decision: str, *keys: str, **more: str) -> Any:
    ids = [row.secret_id for row in waiting_strangers(bench.sync) if row.destination_key in keys]
    return client.post(page_of(bench, "strangers"), {"secret": ids, "decision": decision, **more})


def test_the_syncs_page_and_the_overview_lead_to_the_decision(client: Client, asking: Bench) -> None:
    address = page_of(asking, "strangers")

    assert "2 secrets in org-sandbox were not written by DevinSync" in look(client, asking, "change")
    assert address in look(client, asking, "change")
    assert address in client.get(reverse("admin:index")).content.decode()
    assert "SECOND" in look(client, asking, "strangers")


def test_deleting_is_asked_once_more_with_the_count(client: Client, asking: Bench, organization: Organization) -> None:
    page = choose(client, asking, "delete", "FIRST").content.decode()

    assert "Delete 1 secret from org-sandbox?" in page
    assert not StrangerDecision.objects.exists()
    choose(client, asking, "delete", "FIRST", confirmed="1")
    asking.carry_out(SyncRun.objects.pending().get())
    assert organization.values() == {"A": "1", "SECOND": "by hand"}


@pytest.mark.parametrize("decision", ["leave", "adopt"])
def test_leaving_and_adopting_take_one_step(
    client: Client, asking: Bench, organization: Organization, decision: str
) -> None:
    choose(client, asking, decision, "FIRST", "SECOND")

    run = asking.carry_out(SyncRun.objects.pending().get())
    assert (run.status, run.held_count, len(organization.values())) == (Status.SUCCEEDED, 0, 3)
    assert "Nothing to decide" in look(client, asking, "strangers")


def test_nothing_ticked_decides_nothing(client: Client, asking: Bench) -> None:
    response = client.post(page_of(asking, "strangers"), {"decision": "leave"})

    assert "Tick the secrets" in response.content.decode()
    assert not StrangerDecision.objects.exists()


def test_a_decision_needs_the_right_to_confirm_deletions(client: Client, asking: Bench) -> None:
    client.force_login(may("view_devinsync", "run_devinsync"))

    assert "Your account may not decide this" in look(client, asking, "strangers")
    assert choose(client, asking, "leave", "FIRST").status_code == 403


def test_the_wizard_asks_unless_told_otherwise(client: Client, settings: Any) -> None:
    from syncs.admin.wizard.views import _first_options

    assert _first_options() == {"strangers": "ask"}
    settings.STRANGERS = "delete"
    assert _first_options() == {"strangers": "delete"}
