"""`manage.py trust_database`: what an older copy of the database has blocked, counted, and started when told to."""

import json

import pytest
from django.core.management import CommandError

from sandbox.organization import Organization as SandboxOrganization
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from tests.syncs.conftest import Bench, Manage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def restored(bench: Bench) -> Bench:
    """Wrote two secrets, of which this database knows nothing more; one of them is another here."""
    bench.source(A="1", B="2")
    bench.run()
    DevinSync.objects.update(generation=0)
    bench.source(A="older", B="2")
    SyncRun.objects.pending().delete()
    assert bench.run().blocked_reason == "rollback"
    return bench


@pytest.fixture
def healthy(other: Bench) -> Bench:
    other.source(C="3")
    assert other.run().status == Status.SUCCEEDED
    return other


def test_lists_what_is_blocked_and_starts_nothing(healthy: Bench, restored: Bench, manage: Manage) -> None:
    told = manage("trust_database")

    assert told.splitlines() == [
        "my-devin-sync (org-sandbox): 1 change",
        "1 sync, 1 change.",
        "Nothing was started. Bring the sources up to date, then say the same with --yes.",
    ]
    assert not SyncRun.objects.pending().exists()


def test_starts_them_once_somebody_says_so(
    healthy: Bench, restored: Bench, manage: Manage, organization: SandboxOrganization
) -> None:
    assert manage("trust_database", "--yes").splitlines()[-1] == "1 run queued."

    run = SyncRun.objects.pending().get()
    assert (run.sync, run.trigger) == (restored.sync, Trigger.COMMAND)
    assert restored.carry_out(run).status == Status.SUCCEEDED
    assert organization.values()["A"] == "older"
    assert manage("trust_database") == "None is blocked because of an older database.\n"


def test_takes_only_those_that_are_named(healthy: Bench, restored: Bench, manage: Manage) -> None:
    told = manage("trust_database", healthy.sync.name, "--yes")

    assert told == "None is blocked because of an older database.\n"
    assert not SyncRun.objects.pending().exists()
    assert "1 run queued." in manage("trust_database", restored.sync.name, healthy.sync.name, "--yes")


def test_answers_programs(restored: Bench, manage: Manage) -> None:
    answer = json.loads(manage("trust_database", "--json"))

    sync = {"id": str(restored.sync.pk), "name": "my-devin-sync", "organization": "org-sandbox", "changes": 1}
    assert answer == {"syncs": [sync], "changes": 1, "started": 0, "refused": []}


def test_says_what_could_not_be_started(restored: Bench, manage: Manage) -> None:
    DevinSync.objects.filter(pk=restored.sync.pk).update(is_enabled=False)

    with pytest.raises(CommandError, match="1 not started: The sync “my-devin-sync” is disabled"):
        manage("trust_database", "--yes")


def test_a_name_that_nobody_has_is_told(restored: Bench, manage: Manage) -> None:
    with pytest.raises(CommandError, match="There is no sync nothing"):
        manage("trust_database", "nothing", "--yes")

    assert not SyncRun.objects.pending().exists()
