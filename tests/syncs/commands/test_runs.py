"""`sync`, `plan` and `runs`."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import CommandError

from sandbox.organization import Organization as SandboxOrganization
from syncs.choices import Trigger
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, Manage
from vault.editing import create_project


@pytest.mark.django_db(transaction=True)
def test_syncs_by_name_and_tells_what_it_did(
    bench: Bench, worker: None, manage: Manage, organization: SandboxOrganization, settings: LazySettings
) -> None:
    settings.SYNC_QUIET_TIME = timedelta(0)
    DevinSync.objects.update(auto_sync_enabled=False)
    bench.source(A="1", B="2")

    assert "succeeded: 2 created" in manage("sync", "my-devin-sync", wait=20)

    assert organization.values() == {"A": "1", "B": "2"}
    assert SyncRun.objects.filter(trigger=Trigger.COMMAND).count() == 1


def test_finds_a_sync_by_id_and_by_project(sync: DevinSync, manage: Manage) -> None:
    assert "queued" in manage("sync", str(sync.pk), wait=0)
    assert "queued" in manage("sync", "acme-shop/my-devin-sync", wait=0)
    for unknown in ("none", "other/my-devin-sync", str(uuid4())):
        with pytest.raises(CommandError, match="There is no sync"):
            manage("sync", unknown)


def test_asks_which_one_is_meant(sync: DevinSync, manage: Manage) -> None:
    other = create_project(name="Other", environments=(), by=ANYBODY)
    DevinSync.objects.create(name=sync.name, project=other, folder=None, connection=sync.connection, org_id=sync.org_id)

    with pytest.raises(CommandError, match="PROJECT/my-devin-sync"):
        manage("plan", "my-devin-sync")


def test_says_when_a_run_is_not_over(sync: DevinSync, manage: Manage) -> None:
    with pytest.raises(CommandError, match="still queued"):
        manage("sync", "my-devin-sync", wait=0.01)


def test_a_disabled_sync_is_an_error(sync: DevinSync, manage: Manage) -> None:
    DevinSync.objects.update(is_enabled=False)

    with pytest.raises(CommandError, match="disabled"):
        manage("sync", "my-devin-sync")


def test_plans_without_values(bench: Bench, manage: Manage, organization: SandboxOrganization) -> None:
    bench.source(A="canary")
    organization.put(key="OLD", value="x")

    printed = manage("plan", "my-devin-sync")

    assert "+ create A  (new in the source)" in printed
    assert "- delete OLD  (not in the source)" in printed
    assert "1 to create, 0 to replace, 1 to delete, 0 to keep" in printed
    assert "canary" not in printed


def test_lists_runs(bench: Bench, manage: Manage) -> None:
    bench.source(A="1")
    run = bench.run()

    for printed in (manage("runs"), manage("runs", "my-devin-sync", limit=1)):
        assert str(run.pk) in printed
        assert "succeeded  1 created" in printed
