"""From what was read to a plan and a verdict, for a worker's run and for a preview alike."""

import base64

import pytest
from django.conf import LazySettings
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Status, Strangers, Trigger
from syncs.editing.moves import Place, leave
from syncs.engine.changes import Others
from syncs.engine.others import others_of
from syncs.engine.preview import preview
from syncs.errors import DestinationProblem, InvalidKeySchema, SourceProblem
from syncs.models import Destination, DevinSync, ManagedSecret, SyncControl, SyncRun, SyncRunChange, WriteIntent
from tests.actors import ANYBODY
from tests.syncs.conftest import ORG, Bench
from tests.syncs.runs.test_schedule import copied
from vault.editing import set_secret
from vault.models import Folder

pytestmark = [pytest.mark.django_db(transaction=True)]
NEW_KEY = base64.b64encode(b"a-newer-encryption-key-32-bytes!").decode()


# Fingerprints


def test_a_new_encryption_key_alone_changes_nothing(bench: Bench, sandbox: Sandbox, settings: LazySettings) -> None:
    bench.source(A="1", B="2")
    bench.run()
    before = set(ManagedSecret.objects.values_list("fingerprint", flat=True))
    settings.ENCRYPTION_KEYS = [NEW_KEY, *settings.ENCRYPTION_KEYS]
    sandbox.clear_traffic()

    run = bench.run()

    assert (run.status, run.kept_count) == (Status.SUCCEEDED, 2)
    assert not sandbox.log.writes()
    after = set(ManagedSecret.objects.values_list("fingerprint", flat=True))
    assert len({value.partition(":")[0] for value in after | before}) == 2
    assert not after & before


def test_a_value_changed_under_a_new_encryption_key_is_replaced(
    bench: Bench, organization: SandboxOrganization, settings: LazySettings
) -> None:
    bench.source(A="1", B="2")
    bench.run()
    settings.ENCRYPTION_KEYS = [NEW_KEY, *settings.ENCRYPTION_KEYS]

    bench.source(A="changed", B="2")
    run = bench.run()

    assert (run.replaced_count, run.kept_count) == (1, 1)
    assert organization.values() == {"A": "changed", "B": "2"}


def test_a_fingerprint_whose_key_is_gone_says_nothing(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    ManagedSecret.objects.update(fingerprint="0badc0de:" + "0" * 64)

    run = bench.run()

    assert run.replaced_count == 1


def test_the_same_value_has_another_fingerprint_under_another_key_or_sync(bench: Bench, other: Bench) -> None:
    bench.options(key_schema="MINE_{{secretKey}}")
    other.options(key_schema="THEIRS_{{secretKey}}")
    bench.source(A="1", B="1")
    other.source(A="1")
    bench.run()
    other.run()

    assert len(set(ManagedSecret.objects.values_list("fingerprint", flat=True))) == 3


# What other syncs manage


def test_what_another_sync_wrote_is_left_alone(bench: Bench, other: Bench, organization: SandboxOrganization) -> None:
    other.source(THEIRS="t")
    other.run()
    bench.source(A="1")

    run = bench.run()

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 0)
    assert organization.values() == {"A": "1", "THEIRS": "t"}


def test_a_key_of_another_sync_is_refused_by_name(
    bench: Bench, other: Bench, organization: SandboxOrganization
) -> None:
    other.source(A="theirs")
    other.run()
    bench.source(A="mine", B="2")

    run = bench.run()

    assert run.status == Status.FAILED
    assert "1 key could not be written: A." in run.message
    (change,) = run.changes.filter(destination_key="A")
    assert change.detail == "the sync “their-sync” manages this key in the same organization"
    assert organization.values() == {"A": "theirs", "B": "2"}


def test_a_tag_of_another_sync_counts_before_its_ledger_does(
    bench: Bench, other: Bench, organization: SandboxOrganization
) -> None:
    other.source(THEIRS="t")
    other.run()
    ManagedSecret.objects.all().delete()
    bench.source(A="1")

    bench.run()

    assert organization.values() == {"A": "1", "THEIRS": "t"}


def test_an_open_intent_of_another_sync_reserves_its_key(bench: Bench, other: Bench) -> None:
    destination = bench.sync.destination()
    run = SyncRun.objects.create(sync=other.sync, connection=other.sync.connection, org_id=ORG, status=Status.RUNNING)
    intent = WriteIntent(run=run, sync=other.sync, destination=destination, destination_key="A", epoch=1)
    intent.action, intent.phase = "create", "posting"
    intent.save()

    assert others_of(bench.sync, destination, [], instance="").names_by_key == {"A": "their-sync"}


def test_syncs_of_other_organizations_cost_nothing(bench: Bench, other: Bench) -> None:
    other.source(THEIRS="t")
    other.run()
    destination = bench.sync.destination()

    def ask() -> tuple[int, Others]:
        with CaptureQueriesContext(database) as captured:
            others = others_of(bench.sync, destination, [], instance="")
        return len(captured), others

    few = ask()
    elsewhere = Destination.objects.create(base_url=destination.base_url, org_id="org-elsewhere")
    rows = [DevinSync(**copied(other.sync), name=f"s{number}", org_id=elsewhere.org_id) for number in range(200)]
    syncs = DevinSync.objects.bulk_create(rows)
    ManagedSecret.objects.bulk_create(
        ManagedSecret(sync=sync, destination=elsewhere, destination_key=f"KEY_{number}", secret_id=f"s-{number}")
        for number, sync in enumerate(syncs)
    )

    assert ask() == few
    assert few[1].names_by_key == {"THEIRS": "their-sync"}


def test_an_organization_that_was_left_keeps_no_key_reserved(
    bench: Bench, other: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.directory.declare_organization("org-second")
    sandbox.faults.add("status", method="POST", status=401, times=None)
    other.source(A="theirs")
    other.run()
    assert WriteIntent.objects.open().exists()
    old = Place.of(other.sync)

    other.options(org_id="org-second")
    leave(other.sync, old, removes_secrets=False, trigger=Trigger.EDIT, user=None)
    sandbox.faults.clear()
    bench.source(A="mine")

    assert bench.run().status == Status.SUCCEEDED
    assert organization.values() == {"A": "mine"}


def test_a_deleted_syncs_secrets_are_strangers(bench: Bench, other: Bench, organization: SandboxOrganization) -> None:
    other.source(THEIRS="t")
    other.run()
    WriteIntent.objects.all().delete()
    other.sync.delete()
    bench.source(A="1")

    run = bench.run()

    assert organization.values() == {"A": "1"}
    assert run.changes.get(action="delete").is_stranger


# Previews


def test_previews_a_sync_that_is_not_saved(
    folder: Folder, connection: Connection, organization: SandboxOrganization
) -> None:
    organization.put(key="TOTP", secret_type="totp")
    organization.put(key="PERSONAL", access_type="personal")
    set_secret(folder, "A", "1", by=ANYBODY)
    unsaved = DevinSync(
        name="new", project=folder.environment.project, folder=folder, connection=connection, org_id=ORG
    )

    seen = preview(unsaved)

    assert [change.destination_key for change in seen.plan.creates] == ["A"]
    assert [(change.destination_key, change.secret_type) for change in seen.plan.deletes] == [("TOTP", "totp")]
    assert seen.blocked is None
    assert not DevinSync.objects.exists()


def test_a_preview_writes_nothing(bench: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    bench.source(A="1")
    organization.put(key="B")
    SyncControl.objects.all().delete()

    with CaptureQueriesContext(database) as captured:
        preview(bench.sync)

    writes = [query["sql"] for query in captured if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert writes == []
    assert sandbox.log.counts() == {"GET": 1}
    assert not Destination.objects.exists()
    assert not SyncRun.objects.filter(status=Status.RUNNING).exists()
    assert not SyncRunChange.objects.exists()
    assert not ManagedSecret.objects.exists()


def test_a_preview_says_what_the_guard_would(bench: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="A")

    seen = preview(bench.sync)

    assert seen.blocked is not None
    assert seen.blocked.reason == "empty_source"


def test_a_preview_says_that_the_database_is_older_than_devin(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    DevinSync.objects.update(generation=0)
    bench.sync.refresh_from_db()

    seen = preview(bench.sync)

    assert seen.blocked is not None
    assert seen.blocked.reason == "rollback"


def test_a_preview_is_the_plan_that_the_run_carries_out(bench: Bench, organization: SandboxOrganization) -> None:
    organization.put(key="OLD")
    organization.put(key="B")
    bench.source(A="1", B="2")
    seen = preview(bench.sync)

    run = bench.run()

    rows = [(row.action, row.destination_key) for row in run.changes.order_by("pk")]
    expected = [(type(change).__name__.lower(), change.destination_key) for change in seen.plan.changes]
    assert rows == expected


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        ({"org_id": "org-unknown"}, DestinationProblem, "Correct the organization ID of this sync."),
        ({"key_schema": "P_"}, InvalidKeySchema, "exactly once"),
        ({"folder": None}, SourceProblem, "no longer exists. Choose another source"),
    ],
)
def test_a_preview_that_cannot_be_drawn_says_why(
    bench: Bench, changed: dict[str, object], error: type[Exception], sentence: str
) -> None:
    for name, value in changed.items():
        setattr(bench.sync, name, value)

    with pytest.raises(error, match=sentence):
        preview(bench.sync)


def test_a_wanted_secret_prints_no_value(bench: Bench) -> None:
    from syncs.engine.desired import read_desired

    bench.source(A="canary-77c1")

    assert "canary-77c1" not in repr(read_desired(bench.sync))


def test_each_installation_has_an_id_of_its_own(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="1")
    bench.run()
    bench.options(strangers=Strangers.LEAVE)
    SyncControl.objects.update(instance_id="ffffffff")
    ManagedSecret.objects.all().delete()
    bench.source()

    run = bench.run(confirms_any_deletion=True)

    assert (run.status, run.deleted_count) == (Status.SUCCEEDED, 0)
    assert organization.values() == {"A": "1"}
