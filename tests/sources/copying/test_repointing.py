"""After a copy, a sync that reads the copy in place of its source keeps all that it wrote: nothing is sent to Devin."""

import pytest

from connections.models import Connection
from sandbox.infisical.world import Edition, Project
from sandbox.organization import Organization
from sandbox.server import Sandbox
from sources.copying.copying import Choice, write
from sources.finding import find_place
from sources.linking import link_project
from syncs.choices import Operation, Trigger
from syncs.editing import Actor, change_sync, create_sync
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.jobs import run_sync
from tests.actors import ANYBODY
from tests.sources.copying.conftest import prepared_for
from tests.sources.hostile import CANARY
from tests.syncs.conftest import ORG


@pytest.fixture
def edition() -> Edition:
    return Edition.NEW


def carry_out(sync: DevinSync) -> SyncRun:
    run = SyncRun.objects.pending().filter(sync=sync).first() or request_run(sync, trigger=Trigger.MANUAL)
    SyncRun.objects.filter(pk=run.pk).update(not_before=None)
    run_sync(str(run.pk))
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("recursive", [False, True])
def test_a_sync_of_the_copy_writes_nothing(  # noqa: PLR0917
    recursive: bool,
    filled: Project,
    connection_to_it: Connection,
    connection: Connection,
    sandbox: Sandbox,
    organization: Organization,
    rung: list[str],
) -> None:
    linked = link_project(connection_to_it, filled.id, by=ANYBODY)
    sync = DevinSync(name="app", project=linked, connection=connection, org_id=ORG, recursive=recursive)
    sync.key_schema = "X_{{secretKey}}"
    sync.source = find_place(linked, "dev", "/app")
    sync = create_sync(sync, by=Actor.on_command_line()).sync
    assert carry_out(sync).status == "succeeded", SyncRun.objects.get(sync=sync).message
    values, writes = organization.values(), len(sandbox.log.writes())
    assert values["X_URL"] == f"postgres://{CANARY}-a@{CANARY}-host/x"

    project = write(prepared_for(connection_to_it, filled), Choice(), by=ANYBODY)
    moved = change_sync(sync.pk, {"source": find_place(project, "dev", "/app")}, by=Actor.on_command_line())
    run = carry_out(moved.sync)

    assert run.status == "succeeded"
    assert run.operation == Operation.SYNC
    assert (run.created_count, run.replaced_count, run.deleted_count) == (0, 0, 0)
    assert run.kept_count == len(values)
    assert organization.values() == values
    assert len(sandbox.log.writes()) == writes
