"""The ledger: what a run is said to have done, and what is another sync's."""

import pytest

from connections.models import Connection
from sandbox.faults import Kind, Moment
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Action, Outcome, Phase, Status, Trigger
from syncs.models import DevinSync, ManagedSecret, SyncRun, WriteIntent
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault.editing import create_environment, create_folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]


def test_what_an_unclear_attempt_wrote_is_counted(bench: Bench, sandbox: Sandbox) -> None:
    keys = {f"KEY_{number}": "1" for number in range(6)}
    bench.source(**keys)
    sandbox.faults.add(Kind.CUT, method="POST", moment=Moment.AFTER, times=6)

    run = bench.run()
    assert run.status == Status.PENDING
    bench.carry_out(run)

    assert (run.status, run.created_count) == (Status.SUCCEEDED, 6)


def test_what_an_ended_run_wrote_is_counted_once_it_is_known(bench: Bench, sandbox: Sandbox) -> None:
    keys = {f"KEY_{number}": "1" for number in range(6)}
    bench.source(**keys)
    sandbox.faults.add(Kind.CUT, method="POST", moment=Moment.AFTER, times=6)
    run = request_run(bench.sync, trigger=Trigger.MANUAL)
    SyncRun.objects.update(attempt=4)
    bench.carry_out(run)
    assert (run.status, run.created_count) == (Status.FAILED, 0)

    bench.run()

    run.refresh_from_db()
    assert run.created_count == run.changes.filter(outcome=Outcome.DONE).count() == 6


def test_what_another_sync_began_to_delete_is_left_to_it(
    bench: Bench, connection: Connection, organization: SandboxOrganization
) -> None:
    stranger = organization.put(key="STRANGER")
    environment = create_environment(bench.sync.project, name="Other", slug="other", by=ANYBODY)
    other = DevinSync.objects.create(
        name="other", project=bench.sync.project, folder=create_folder(environment, "/x", by=ANYBODY),
        connection=connection, org_id=bench.sync.org_id, is_enabled=False,
    )  # fmt: skip
    begun = SyncRun.objects.create(sync=other, sync_name="other", org_id=other.org_id, trigger=Trigger.MANUAL,
                                   status=Status.FAILED)  # fmt: skip
    WriteIntent.objects.create(
        run=begun, sync=other, destination=other.destination(), epoch=0, action=Action.DELETE,
        phase=Phase.DELETING, destination_key="STRANGER", secret_id=stranger.secret_id,
    )  # fmt: skip
    bench.source(A="1")

    run = bench.run()

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 0)
    assert ManagedSecret.objects.filter(sync=bench.sync).count() == 1
