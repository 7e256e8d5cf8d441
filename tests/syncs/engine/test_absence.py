"""A key that had to be taken away to be replaced: how long it is absent, how many at once, and who is told."""

import threading
from itertools import pairwise

import pytest
from django.contrib.auth.models import User

from connections.devin.client import DevinClient
from connections.devin.types import RemoteSecret
from overview.collect import collect
from sandbox.faults import Kind
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Phase, Status, Trigger
from syncs.models import SyncRun, WriteIntent
from tests.actors import ANYBODY
from tests.patience import PATIENCE
from tests.syncs.conftest import Bench
from vault.editing import delete_folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]
KEYS = [f"KEY_{number:02}" for number in range(12)]


@pytest.fixture(params=[Duplicates.REJECT_409, Duplicates.REJECT_422], ids=str)
def replacing(request: pytest.FixtureRequest, bench: Bench, sandbox: Sandbox) -> Bench:
    """Twelve keys were written, and all their values have changed since."""
    sandbox.settings.duplicates = request.param
    bench.source(**dict.fromkeys(KEYS, "old"))
    bench.run()
    bench.source(**dict.fromkeys(KEYS, "new"))
    sandbox.clear_traffic()
    return bench


def absent(organization: SandboxOrganization) -> set[str]:
    return set(KEYS) - set(organization.values())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[str]]:
    """What each thread asked of Devin, in order: the id of a secret to delete, or the key of one to create."""
    asked: dict[int, list[str]] = {}
    create, delete = DevinClient.create_secret, DevinClient.delete_secret

    def note_create(self: DevinClient, org_id: str, *, key: str, value: str, note: str) -> RemoteSecret:
        asked.setdefault(threading.get_ident(), []).append(key)
        return create(self, org_id, key=key, value=value, note=note)

    def note_delete(self: DevinClient, org_id: str, secret_id: str) -> None:
        asked.setdefault(threading.get_ident(), []).append(secret_id)
        delete(self, org_id, secret_id)

    monkeypatch.setattr(DevinClient, "create_secret", note_create)
    monkeypatch.setattr(DevinClient, "delete_secret", note_delete)
    return asked


def test_delete_and_post_go_back_to_back(replacing: Bench, sandbox: Sandbox, asked: dict[int, list[str]]) -> None:
    """By one thread, which asks for nothing between the two."""
    replacing.run()

    gone = {entry.secret_id: entry.key for entry in sandbox.log.requests("DELETE")}
    assert sorted(gone.values(), key=str) == KEYS
    pairs = [pair for each in asked.values() for pair in pairwise(each) if pair[0] in gone]
    assert len(pairs) == 12
    assert [key for _, key in pairs] == [gone[secret_id] for secret_id, _ in pairs]


def test_the_intent_for_both_is_committed_before(replacing: Bench, sandbox: Sandbox) -> None:
    rule = sandbox.faults.add(Kind.HOLD, method="DELETE", key="KEY_00")
    run = threading.Thread(target=replacing.run)
    run.start()
    assert rule.reached.wait(PATIENCE)

    intent = WriteIntent.objects.open().get(destination_key="KEY_00")
    rule.release()
    run.join()

    assert (intent.phase, bool(intent.sealed_value), bool(intent.nonce)) == (Phase.MAKING_ROOM, True, True)


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_no_more_are_absent_than_connections_whatever_devin_answers(
    replacing: Bench, sandbox: Sandbox, organization: SandboxOrganization, status: int
) -> None:
    for key in KEYS:
        sandbox.faults.add(Kind.STATUS, method="POST", key=key, status=status, skip=1, times=None)

    replacing.run()

    assert 1 <= len(absent(organization)) <= replacing.sync.connection.concurrency


def test_after_a_fault_one_at_a_time_is_taken_away(
    replacing: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    replacing.sync.connection.concurrency = 1
    replacing.sync.connection.save()
    sandbox.faults.add(Kind.STATUS, method="POST", key="KEY_00", status=503, skip=1)
    replacing.run()
    replacing.sync.connection.concurrency = 8
    replacing.sync.connection.save()
    replacing.source(**dict.fromkeys(KEYS, "newer"))
    for key in KEYS:
        sandbox.faults.add(Kind.STATUS, method="POST", key=key, status=503, skip=1, times=None)
    replacing.run()
    before = absent(organization)

    again = SyncRun.objects.pending().get()
    replacing.carry_out(again)

    assert len(absent(organization) - before) <= 1


def test_an_absent_key_is_written_before_anything_else(
    replacing: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.faults.add(Kind.STATUS, method="POST", key="KEY_07", status=401, skip=1, times=None)
    replacing.run()
    assert "KEY_07" in absent(organization)
    sandbox.faults.clear()
    replacing.source(AAA="first by name", **dict.fromkeys(KEYS, "newer"))
    sandbox.clear_traffic()

    replacing.run()

    missing = {entry.key for entry in sandbox.log.requests("POST")[: len(KEYS)]}
    assert sandbox.log.requests("POST")[0].key in missing - {"AAA"}
    assert organization.values() == {"AAA": "first by name"} | dict.fromkeys(KEYS, "newer")


# Who is told


def end_with_an_absent_key(bench: Bench, sandbox: Sandbox) -> SyncRun:
    sandbox.faults.add(Kind.STATUS, method="POST", key="KEY_03", status=401, skip=1, times=None)
    return bench.run()


def test_the_message_names_it(replacing: Bench, sandbox: Sandbox) -> None:
    run = end_with_an_absent_key(replacing, sandbox)

    assert run.status == Status.FAILED
    said = "1 secret is missing from Devin until the next attempt, which begins with it: KEY_03."
    assert run.message.startswith(said)
    assert "Enter a valid key there" in run.message


def test_the_overview_names_it_until_it_is_back(replacing: Bench, sandbox: Sandbox, admin_user: User) -> None:
    end_with_an_absent_key(replacing, sandbox)

    (first,) = collect(admin_user).attention.rows
    assert (first.word, first.name) == ("Missing", "my-devin-sync")
    assert first.message.startswith("1 secret is missing from Devin")
    assert "KEY_03" in first.message
    sandbox.faults.clear()
    replacing.run()

    assert collect(admin_user).attention.rows == []


def test_another_run_is_asked_for_by_itself_until_it_is_back(
    replacing: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    replacing.options(auto_sync_enabled=False)
    SyncRun.objects.pending().delete()
    end_with_an_absent_key(replacing, sandbox)
    for _ in range(7):
        repair = SyncRun.objects.pending().get()
        assert repair.trigger == Trigger.REPAIR
        assert repair.not_before is not None
        replacing.carry_out(repair)
        assert repair.status == Status.FAILED
    sandbox.faults.clear()

    replacing.carry_out(SyncRun.objects.pending().get())

    assert absent(organization) == set()
    assert not SyncRun.objects.pending().exists()


def test_it_comes_back_without_the_source(
    replacing: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    end_with_an_absent_key(replacing, sandbox)
    delete_folder(replacing.folder, by=ANYBODY)
    sandbox.faults.clear()

    replacing.carry_out(SyncRun.objects.pending().get())

    assert "KEY_03" in organization.values()


def test_two_refused_values_are_enough(replacing: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    """Devin looks at a value only when its key is free: the old secrets of the others stay."""
    replacing.sync.connection.concurrency = 1
    replacing.sync.connection.save()
    for key in KEYS:
        sandbox.faults.add(Kind.STATUS, method="POST", key=key, status=422, skip=1, body='{"detail": "too long"}')

    run = replacing.run()

    assert (run.status, run.failed_count, len(absent(organization))) == (Status.FAILED, 12, 2)


def test_a_value_refused_after_its_key_had_to_go_is_named_as_missing(
    replacing: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.faults.add(Kind.STATUS, method="POST", key="KEY_03", status=422, skip=1, body='{"detail": "too long"}')

    run = replacing.run()

    assert absent(organization) == {"KEY_03"}
    assert "1 key could not be written: KEY_03." in run.message
    assert "Missing from Devin now: KEY_03." in run.message
