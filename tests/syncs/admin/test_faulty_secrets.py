"""A run that could not read its source leads to the secret that is at fault, and the secret to the run."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from syncs.choices import Status
from syncs.models import SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault import editing
from vault.models import Secret

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _logged_in(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)


def secret(bench: Bench, key: str) -> Secret:
    return bench.folder.secrets.select_related("folder__environment__project").get(key=key)


def page_of_run(client: Client, run: SyncRun) -> str:
    return client.get(run.get_absolute_url()).content.decode()


def page_of_secret(client: Client, row: Secret) -> str:
    return client.get(reverse("admin:vault_secret_page", args=[row.pk])).content.decode()


def link_to(row: Secret) -> str:
    return f'href="{reverse("admin:vault_secret_page", args=[row.pk])}"'


FAULTS = {
    "a reference to nothing": {"BAD": "${dev.nowhere.KEY}", "OTHER": "${BAD}"},
    "a circle": {"BAD": "${OTHER}", "OTHER": "${BAD}"},
}


@pytest.mark.parametrize("values", FAULTS.values(), ids=FAULTS)
def test_each_leads_to_the_other_until_it_is_mended(client: Client, bench: Bench, values: dict[str, str]) -> None:
    bench.source(GOOD="g", **values)

    run = bench.run()

    bad = secret(bench, "BAD")
    assert (run.status, run.faulty_secret_id) == (Status.FAILED, bad.pk)
    assert link_to(bad) in page_of_run(client, run)
    assert "Open the secret BAD" in page_of_run(client, run)
    assert f'href="{run.get_absolute_url()}"' in page_of_secret(client, bad)
    assert "keeps its source from being read" not in page_of_secret(client, secret(bench, "GOOD"))

    editing.set_secrets(bench.folder, {"BAD": "text", "OTHER": "text"}, by=ANYBODY)
    mended = bench.run()

    assert (mended.status, mended.faulty_secret_id) == (Status.SUCCEEDED, None)
    assert "keeps its source from being read" not in page_of_secret(client, bad)


def test_a_run_that_fails_for_another_reason_names_no_secret(client: Client, bench: Bench) -> None:
    bench.source(A="1")
    editing.delete_folder(bench.folder, by=ANYBODY)

    run = bench.run()

    assert (run.status, run.faulty_secret_id) == (Status.FAILED, None)
    assert "Open the secret" not in page_of_run(client, run)


def test_a_secret_that_is_gone_is_not_linked(client: Client, bench: Bench) -> None:
    bench.source(BAD="${dev.nowhere.KEY}")
    run = bench.run()
    assert run.faulty_secret_id is not None

    editing.delete_secret(secret(bench, "BAD"), by=ANYBODY)

    assert "Open the secret" not in page_of_run(client, run)


def test_who_may_not_see_runs_or_secrets_gets_no_link(client: Client, bench: Bench) -> None:
    bench.source(BAD="${dev.nowhere.KEY}")
    run, bad = bench.run(), secret(bench, "BAD")
    keeper = User.objects.create_user("keeper", is_staff=True)
    keeper.user_permissions.set(Permission.objects.filter(codename="view_secret"))
    client.force_login(keeper)
    assert run.get_absolute_url() not in page_of_secret(client, bad)
    keeper.user_permissions.set(Permission.objects.filter(codename="view_syncrun"))
    client.force_login(User.objects.get(pk=keeper.pk))
    assert link_to(bad) not in page_of_run(client, run)
