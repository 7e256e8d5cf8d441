"""A database restored from an older backup must not overwrite what a newer one wrote, until a person says so."""

from dataclasses import replace
from typing import Any

import pytest

from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Status
from syncs.engine.notes import Tag
from syncs.models import DevinSync, ManagedSecret, SyncControl, SyncRun, WriteIntent
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True)]


class Backup:
    """What a backup holds of a sync: its generation and its ledger, and the vault's secrets."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.generation = bench.sync.generation
        self.ledger: list[Any] = list(ManagedSecret.objects.values())
        self.source = {"A": "1", "B": "2"}

    def restore(self) -> None:
        ManagedSecret.objects.all().delete()
        ManagedSecret.objects.bulk_create(ManagedSecret(**row) for row in self.ledger)
        WriteIntent.objects.all().delete()
        SyncRun.objects.all().delete()
        DevinSync.objects.update(generation=self.generation)
        self.bench.source(**self.source)
        self.bench.sync.refresh_from_db()


@pytest.fixture
def restored(bench: Bench, sandbox: Sandbox) -> Bench:
    """Backed up after a run, changed and synced since, then restored."""
    bench.source(A="1", B="2")
    bench.run()
    backup = Backup(bench)
    bench.source(A="newer", B="2", C="3")
    bench.run()
    backup.restore()
    sandbox.clear_traffic()
    return bench


def test_the_run_is_blocked_and_writes_nothing(
    restored: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = restored.run()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "rollback")
    assert run.message == (
        "This database is older than what Devin holds: it knows of 1 writing runs of this sync, the notes in Devin "
        "tell of 2. It was probably restored from a backup, or failed over to a standby that lagged, so its secrets "
        "may be out of date. Bring the source up to date, then choose “Sync now, trust this database”."
    )
    assert not sandbox.log.writes()
    assert organization.values() == {"A": "newer", "B": "2", "C": "3"}
    assert run.changes.exists()


def test_it_stays_blocked_until_a_person_decides(restored: Bench, sandbox: Sandbox) -> None:
    restored.run()

    assert restored.run().status == Status.BLOCKED
    assert restored.run(confirms_any_deletion=True).blocked_reason == "rollback"
    assert not sandbox.log.writes()


def test_trusting_the_database_goes_on_from_it(restored: Bench, organization: SandboxOrganization) -> None:
    run = restored.run(accepts_rollback=True)

    assert run.status == Status.SUCCEEDED, run.message
    assert organization.values() == {"A": "1", "B": "2"}
    assert restored.sync.generation > 2


def test_trust_is_needed_once(restored: Bench) -> None:
    restored.run(accepts_rollback=True)
    restored.source(A="4", B="2")

    run = restored.run()

    assert (run.status, run.replaced_count) == (Status.SUCCEEDED, 1)


def test_trust_does_not_confirm_deletions(restored: Bench, organization: SandboxOrganization) -> None:
    restored.source()

    run = restored.run(accepts_rollback=True)

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "empty_source")
    assert len(organization.values()) == 3


def test_notes_of_other_installations_and_syncs_are_no_rollback(
    bench: Bench, organization: SandboxOrganization
) -> None:
    bench.options(key_schema="DEV_{{secretKey}}")
    own, sync = SyncControl.get().instance_id, bench.sync.short_id
    nonce = "n" * 22
    organization.put(key="X", note=f"[ds1 i=ffffffff s={sync} g=99 n={nonce}]")
    organization.put(key="Y", note=f"[ds1 i={own} s=ffffffff g=99 n={nonce}]")
    organization.put(key="Z", note=f"[ds1 i={own} s={sync} g=99 n={nonce}]", access_type="personal")
    bench.source(A="1")

    assert bench.run().status == Status.SUCCEEDED


def test_a_forged_note_blocks_nobody_and_spoils_no_number(bench: Bench, organization: SandboxOrganization) -> None:
    """Whoever may write secrets in the organization can read our notes, and write others like them."""
    bench.options(key_schema="DEV_{{secretKey}}", strangers="leave")
    own, sync = SyncControl.get().instance_id, bench.sync.short_id
    bench.source(A="1")
    bench.run()
    genuine = Tag.read(organization.with_key("DEV_A")[0].note)
    assert genuine is not None
    organization.put(key="DEV_X", note=f"[ds1 i={own} s={sync} g=999999999999999999 n={'A' * 22}]")
    organization.put(key="DEV_Y", note=f"{replace(genuine, generation=77)}")
    organization.put(key="DEV_Z", note=f"{genuine}")
    bench.source(A="2")

    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert bench.sync.generation == 2
    assert {"DEV_X", "DEV_Y", "DEV_Z"} < organization.values().keys()


def test_a_run_that_wrote_nothing_counts_for_nothing(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()

    bench.run()

    assert bench.sync.generation == 1


def test_a_write_whose_fact_was_lost_is_no_rollback(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    ManagedSecret.objects.all().delete()

    run = bench.run()

    assert run.status == Status.SUCCEEDED


def test_a_removal_is_possible_all_the_same(restored: Bench, organization: SandboxOrganization) -> None:
    run = restored.run(operation=Operation.REMOVE)

    assert run.status == Status.SUCCEEDED
    assert organization.values() == {}
