"""The demo's own judgement: it must notice whatever differs from what the vault holds."""

import hashlib
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from demo import sample
from demo.fleet import API_KEY, ensure_fleet
from demo.management.commands.demo_data import (
    ask_for_sample,
    check_sandbox,
    desired_of,
    draw_table,
    is_foreign,
)
from sandbox.directory import MANAGE_ORGANIZATIONS, MANAGE_SECRETS
from sandbox.organization import Organization
from sandbox.server import Sandbox
from syncs.models import Destination, DevinSync, ManagedSecret
from syncs.runs import jobs

ORG = "org-sandbox"
DESIRED = {"A": hashlib.sha256(b"1").hexdigest(), "B": hashlib.sha256(b"2").hexdigest()}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


@pytest.fixture
def organization(sandbox: Sandbox) -> Organization:
    """Holds exactly what is desired."""
    organization = sandbox.organization(ORG)
    organization.put(key="A", value="1")
    organization.put(key="B", value="2")
    return organization


def test_accepts_exactly_what_is_desired(sandbox: Sandbox, organization: Organization) -> None:
    check_sandbox(sandbox.url, ORG, DESIRED)


def test_refuses_another_value(sandbox: Sandbox, organization: Organization) -> None:
    organization.change(organization.with_key("A")[0].secret_id, value="other")

    with pytest.raises(CommandError, match=r"Look at: A\."):
        check_sandbox(sandbox.url, ORG, DESIRED)


def test_refuses_one_too_few(sandbox: Sandbox, organization: Organization) -> None:
    organization.delete(organization.with_key("B")[0].secret_id)

    with pytest.raises(CommandError, match=r"holds 1 secrets; 2 were expected\. Look at: B\."):
        check_sandbox(sandbox.url, ORG, DESIRED)


def test_refuses_one_too_many(sandbox: Sandbox, organization: Organization) -> None:
    organization.put(key="C", value="3")

    with pytest.raises(CommandError, match=r"Look at: C\."):
        check_sandbox(sandbox.url, ORG, DESIRED)


def test_counts_what_is_not_this_syncs_affair(sandbox: Sandbox, organization: Organization) -> None:
    organization.put(key="OTHER_C", value="3")

    assert check_sandbox(sandbox.url, ORG, DESIRED, is_foreign=lambda key: key.startswith("OTHER_")) == 1


@pytest.mark.django_db
def test_what_another_sync_wrote_is_not_this_ones(admin_user: object, sandbox: Sandbox) -> None:
    sync, _ = ask_for_sample(sandbox.url)
    other = DevinSync.objects.create(
        name="other", project=sync.project, folder=sync.folder, connection=sync.connection, org_id=sync.org_id
    )
    destination = Destination.objects.create(base_url=sync.connection.base_url, org_id=sync.org_id)
    ManagedSecret.objects.create(sync=other, destination=destination, destination_key="OTHER_C", secret_id="secret-c")

    assert is_foreign(sync, "OTHER_C")
    assert not is_foreign(sync, "STRANGER")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "option", [{"key_schema": "DEV_{{secretKey}}"}, {"only_keys": "DATABASE_*"}, {"strangers": "leave"}]
)
def test_what_the_options_spare_is_not_this_syncs_affair(
    option: dict[str, Any], admin_user: object, sandbox: Sandbox
) -> None:
    sync, _ = ask_for_sample(sandbox.url)
    DevinSync.objects.filter(pk=sync.pk).update(**option)
    sync.refresh_from_db()

    assert is_foreign(sync, "STRANGER")


@pytest.mark.django_db
def test_expects_the_chosen_keys_by_their_names(admin_user: object, sandbox: Sandbox) -> None:
    sync, _ = ask_for_sample(sandbox.url)
    DevinSync.objects.filter(pk=sync.pk).update(only_keys="LOG_*", key_renames="LOG_LEVEL=LEVEL")
    sync.refresh_from_db()

    assert desired_of(sync) == {"LEVEL": hashlib.sha256(b"debug").hexdigest()}


def test_says_so_when_nobody_answers() -> None:
    with Sandbox() as gone:
        url = gone.url

    with pytest.raises(CommandError, match="does not say what it holds"):
        check_sandbox(url, ORG, DESIRED)


@pytest.mark.django_db
def test_the_sample_shows_an_import_and_references(admin_user: object, sandbox: Sandbox) -> None:
    sync, _ = ask_for_sample(sandbox.url)

    url = "postgresql://checkout:sample-8f2d41c7@db.dev.acme-shop.example:5432/checkout"
    desired = desired_of(sync)
    assert sorted(desired) == [
        *("DATABASE_HOST", "DATABASE_PASSWORD", "DATABASE_URL", "DATABASE_USER"),
        *("LOG_LEVEL", "PAYMENTS_URL", "SENTRY_DSN", "STRIPE_API_KEY"),
    ]
    assert desired["DATABASE_URL"] == hashlib.sha256(url.encode()).hexdigest()
    assert desired["LOG_LEVEL"] == hashlib.sha256(b"debug").hexdigest()


@pytest.mark.django_db
def test_the_sample_is_made_once_and_follows_the_sandbox(admin_user: object, sandbox: Sandbox) -> None:
    first, _ = ask_for_sample(sandbox.url)
    first.description = "changed by a person"
    first.save()

    with Sandbox() as elsewhere:
        second, _ = ask_for_sample(elsewhere.url)

        assert DevinSync.objects.get() == second
        assert second.description == "changed by a person"
        assert second.connection.base_url == elsewhere.url
    assert second.connection.name == sample.CONNECTION


@pytest.mark.django_db
def test_knows_the_organizations_of_a_fleet_by_name_also_later_ones(sandbox: Sandbox) -> None:
    sandbox.directory.declare_key(API_KEY, org_id=None, permissions=[MANAGE_SECRETS, MANAGE_ORGANIZATIONS])
    sandbox.directory.declare_organization("org-billing", "Billing")
    ensure_fleet(sandbox.url)
    sandbox.directory.declare_organization("org-search", "Search")

    connection = ensure_fleet(sandbox.url)

    names = connection.organizations.values_list("name", flat=True)
    assert sorted(names) == ["Billing", "Sandbox", "Search"]
    assert connection.org_id == ""


@pytest.mark.django_db(transaction=True)
def test_shows_the_first_run_however_quick_the_workers_are(
    admin_user: object, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncs.runs.ask.ring", lambda run_id, project_id: jobs.run_sync(str(run_id)))
    output = StringIO()

    call_command("demo_data", sandbox=sandbox.url, stdout=output)

    assert "STRIPE_API_KEY     Create  Done" in output.getvalue()
    assert "8 created" in output.getvalue()


def test_a_table_is_as_wide_as_its_widest_cell() -> None:
    rows = [("Key", "Change", "Outcome"), ("LONG_KEY", "Keep", "Done")]

    assert list(draw_table(rows)) == [
        "Key       Change  Outcome",
        "--------  ------  -------",
        "LONG_KEY  Keep    Done",
    ]
