"""A sync that goes to another organization."""

import pytest

from syncs.choices import Operation, Status, Trigger
from syncs.editing.moves import Place, leave, why_it_stays
from syncs.models import ManagedSecret, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.wishes import Wishes
from tests.syncs.conftest import ORG, Bench

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_secrets_that_are_left_are_forgotten(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    old = Place.of(bench.sync)
    bench.options(org_id="org-elsewhere")

    leave(bench.sync, old, removes_secrets=False, trigger=Trigger.EDIT, user=None)

    assert not ManagedSecret.objects.exists()
    assert not SyncRun.objects.pending().filter(operation=Operation.REMOVE).exists()


def test_secrets_are_removed_from_where_they_were_written(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    old = Place.of(bench.sync)
    bench.options(org_id="org-elsewhere")

    leave(bench.sync, old, removes_secrets=True, trigger=Trigger.EDIT, user=None)

    removal = SyncRun.objects.pending().get(operation=Operation.REMOVE)
    assert (removal.org_id, removal.connection_id) == (ORG, bench.sync.connection_id)
    assert bench.carry_out(removal).deleted_count == 1


def test_a_run_confirmed_for_the_old_organization_does_not_go_to_the_new(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    confirmed = request_run(bench.sync, trigger=Trigger.MANUAL, wishes=Wishes(confirms_any_deletion=True))
    old = Place.of(bench.sync)
    bench.options(org_id="org-elsewhere")

    leave(bench.sync, old, removes_secrets=False, trigger=Trigger.EDIT, user=None)

    confirmed.refresh_from_db()
    assert confirmed.status == Status.CANCELLED


def test_a_sync_stays_while_it_runs(bench: Bench) -> None:
    bench.source(A="1")
    run = request_run(bench.sync, trigger=Trigger.MANUAL)
    assert why_it_stays(bench.sync) == ""

    SyncRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)

    assert "under way" in why_it_stays(bench.sync)
