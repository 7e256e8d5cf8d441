"""After an older copy of the database was restored: many syncs are trusted at once, with what each would do counted."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from syncs.choices import Action, BlockedReason, Outcome, Status, Trigger
from syncs.models import DevinSync, SyncRun, SyncRunChange

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rung")]
LIST = "admin:syncs_devinsync_changelist"


@pytest.fixture
def doubted(sync: DevinSync) -> SyncRun:
    """A sync whose run was blocked because Devin holds later notes; two changes were planned."""
    run = SyncRun.objects.create(
        sync=sync,
        sync_name=sync.name,
        connection=sync.connection,
        org_id=sync.org_id,
        trigger=Trigger.SCHEDULE,
        status=Status.BLOCKED,
        blocked_reason=BlockedReason.ROLLBACK,
    )
    for key in ("A", "B"):
        SyncRunChange.objects.create(run=run, action=Action.REPLACE, destination_key=key, outcome=Outcome.PLANNED)
    DevinSync.objects.filter(pk=sync.pk).update(sync_status=Status.BLOCKED, last_sync_run_id=run.pk)
    return run


@pytest.fixture
def healthy(sync: DevinSync) -> DevinSync:
    return DevinSync.objects.create(
        name="healthy", project=sync.project, folder=sync.folder, connection=sync.connection, org_id="org-healthy"
    )


def test_the_blocked_ones_are_shown_with_their_plans_counted(
    admin_client: Client, doubted: SyncRun, healthy: DevinSync
) -> None:
    chosen = list(DevinSync.objects.values_list("pk", flat=True))

    page = admin_client.post(reverse(LIST), {"action": "trust", "_selected_action": chosen})

    shown = " ".join(page.content.decode().split())
    assert "Trust this database for 1 sync, 2 changes?" in shown
    assert "<code>A</code>" in shown
    assert "org-healthy" not in shown
    assert not SyncRun.objects.pending().exists()


def test_confirmed_each_runs_and_takes_this_database_for_right(
    admin_client: Client, doubted: SyncRun, healthy: DevinSync
) -> None:
    chosen = list(DevinSync.objects.values_list("pk", flat=True))

    admin_client.post(reverse("admin:syncs_devinsync_confirmed", args=["trust"]), {"sync": chosen})

    run = SyncRun.objects.pending().get()
    assert (run.sync_id, run.accepts_rollback) == (doubted.sync_id, True)


def test_many_cost_no_statement_each(
    admin_client: Client, sync: DevinSync, doubted: SyncRun, django_assert_max_num_queries: Any
) -> None:
    """Of the first ones the keys are shown too; of all, how many there are."""
    more = [
        DevinSync(
            name=f"more-{number:03}",
            project=sync.project,
            folder=sync.folder,
            connection=sync.connection,
            org_id=f"org-{number}",
            last_sync_run_id=uuid4(),
        )
        for number in range(500)
    ]
    DevinSync.objects.bulk_create(more)
    runs = [
        SyncRun(
            pk=one.last_sync_run_id,
            sync=one,
            sync_name=one.name,
            connection=one.connection,
            org_id=one.org_id,
            trigger=Trigger.SCHEDULE,
            status=Status.BLOCKED,
            blocked_reason=BlockedReason.ROLLBACK,
        )
        for one in more
    ]
    SyncRun.objects.bulk_create(runs)
    changes = [
        SyncRunChange(run=run, action=Action.REPLACE, destination_key="A", outcome=Outcome.PLANNED) for run in runs
    ]
    SyncRunChange.objects.bulk_create(changes)
    chosen = list(DevinSync.objects.values_list("pk", flat=True))

    with django_assert_max_num_queries(60):
        page = admin_client.post(
            reverse(LIST), {"action": "trust", "_selected_action": chosen[:1], "select_across": "1"}
        )

    shown = " ".join(page.content.decode().split())
    assert "Trust this database for 501 syncs, 502 changes?" in shown
    assert shown.count('name="sync"') == 501
    assert "Nothing would change." not in shown

    admin_client.post(reverse("admin:syncs_devinsync_confirmed", args=["trust"]), {"sync": chosen})

    assert SyncRun.objects.pending().filter(accepts_rollback=True).count() == 501


def test_thousands_can_be_named(admin_client: Client, doubted: SyncRun) -> None:
    named = [doubted.sync_id, *(uuid4() for _ in range(5000))]

    answer = admin_client.post(reverse("admin:syncs_devinsync_confirmed", args=["trust"]), {"sync": named})

    assert answer.status_code == 302
    assert SyncRun.objects.pending().get().sync_id == doubted.sync_id


def test_without_any_it_says_so(admin_client: Client, healthy: DevinSync) -> None:
    page = admin_client.post(reverse(LIST), {"action": "trust", "_selected_action": [healthy.pk]}, follow=True)

    assert "None of these is blocked" in page.content.decode()


def test_who_may_not_confirm_deletions_may_not_trust(client: Client, doubted: SyncRun) -> None:
    user = User.objects.create_user("operator", is_staff=True)
    may = Permission.objects.filter(codename__in=("view_devinsync", "run_devinsync"))
    user.user_permissions.set(may)
    client.force_login(user)

    refused = client.post(reverse("admin:syncs_devinsync_confirmed", args=["trust"]), {"sync": [doubted.sync_id]})

    assert refused.status_code == 403
    assert not SyncRun.objects.pending().exists()
