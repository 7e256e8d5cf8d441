"""APPLY by its traces: the intents that it leaves in the database, the requests that it sends, and what it says.

One request at a time, so that the order is the plan's.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from encryption import unseal
from sandbox.faults import Kind, Moment
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Action, Outcome, Phase, Status
from syncs.engine.notes import Tag
from syncs.models import ManagedSecret, SyncRun, WriteIntent
from tests.patience import PATIENCE, wait_until
from tests.syncs.conftest import Bench, changes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause", "rung")]
TAKEN_FIRST = Duplicates.REJECT_409


@pytest.fixture
def bench(bench: Bench) -> Bench:
    at_once(bench, 1)
    bench.options(guard_max_percent=100, guard_max_deletions=100)
    return bench


def at_once(bench: Bench, count: int) -> None:
    bench.sync.connection.concurrency = count
    bench.sync.connection.save()


def intents(run: SyncRun) -> list[tuple[str, ...]]:
    """Of one run: action, furthest phase, key, source key, and the ids that it is to delete."""
    rows = WriteIntent.objects.filter(run=run).order_by("opened_at", "destination_key")
    ids = [" ".join([one.secret_id, *one.old_secret_ids]).strip() for one in rows]
    return [
        (one.action, one.phase, one.destination_key, one.source_key, to_go)
        for one, to_go in zip(rows, ids, strict=True)
    ]


def writes(sandbox: Sandbox) -> list[str]:
    return [f"{entry.method} {entry.key}" for entry in sandbox.log.writes()]


def id_of(organization: SandboxOrganization, key: str) -> str:
    (secret,) = organization.with_key(key)
    return secret.secret_id


def detail(run: SyncRun, key: str) -> str:
    return run.changes.get(destination_key=key, outcome=Outcome.FAILED).detail


def refuse_after_delete(sandbox: Sandbox, key: str, status: int) -> None:
    """The first POST finds the key taken, the second comes after the DELETE."""
    sandbox.faults.add(Kind.STATUS, method="POST", key=key, status=status, skip=1, body='{"detail": "too long"}')


# What is on record before each request


@pytest.mark.parametrize("mode", [Duplicates.ALLOW, TAKEN_FIRST])
def test_each_change_has_an_intent_that_says_all_of_it(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, mode: Duplicates
) -> None:
    sandbox.settings.duplicates = mode
    bench.options(key_schema="P_{{secretKey}}")
    bench.source(B="1", C="c", E="e", KEPT="k")
    bench.run()
    b, c, e = (id_of(organization, f"P_{key}") for key in "BCE")
    bench.source(A="a", B="2", D="c", KEPT="k")

    run = bench.run()

    removing = Phase.REMOVING_OLD
    assert sorted(intents(run)) == sorted(
        [
            (Action.CREATE, Phase.POSTING, "P_A", "A", ""),
            (Action.REPLACE, removing if mode == Duplicates.ALLOW else Phase.MAKING_ROOM, "P_B", "B", b),
            (Action.RENAME, removing, "P_D", "D", c),
            (Action.DELETE, Phase.DELETING, "P_E", "", e),
        ]
    )
    assert run.status == Status.SUCCEEDED
    assert organization.values() == {"P_A": "a", "P_B": "2", "P_D": "c", "P_KEPT": "k"}


def test_an_intent_holds_what_devin_and_the_ledger_are_told(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="a")

    run = bench.run()

    intent, (secret,) = WriteIntent.objects.get(run=run), organization.with_key("A")
    row, tag = ManagedSecret.objects.get(sync=bench.sync), Tag.read(intent.note)
    assert tag is not None
    assert intent.note == secret.note == row.note
    assert bench.sync.source_label in intent.note
    assert (tag.nonce, tag.generation) == (intent.nonce, intent.generation)
    assert (intent.fingerprint, intent.source_key) == (row.fingerprint, row.source_key)
    assert (intent.sync, intent.destination, intent.change) == (bench.sync, row.destination, run.changes.get())
    assert intent.epoch > 0
    assert intent.closed_at is not None


def test_a_later_run_writes_under_a_later_generation(bench: Bench) -> None:
    bench.source(A="1")
    bench.run()
    bench.source(A="2")
    bench.run()

    first, second = WriteIntent.objects.order_by("opened_at")
    assert (second.generation - first.generation, second.epoch > first.epoch) == (1, True)


# The order of requests


def test_creates_come_first_and_deletions_last(bench: Bench, sandbox: Sandbox) -> None:
    sandbox.settings.duplicates = TAKEN_FIRST
    bench.source(B="1", C="1", GONE="g", LEFT="l")
    bench.run()
    sandbox.clear_traffic()
    bench.source(B="2", C="2", Z="z")

    bench.run()

    sent = writes(sandbox)
    assert (sent[0], sent[-2:]) == ("POST Z", ["DELETE GONE", "DELETE LEFT"])
    assert sorted(sent[1:-2]) == sorted(["POST B", "DELETE B", "POST B", "POST C", "DELETE C", "POST C"])


class Prompt(ThreadPoolExecutor):
    """Has every answer before the next request is handed in, so that several come at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        wait([future])
        return future


def test_keys_that_are_answered_at_once_go_on_in_the_order_of_the_plan(
    bench: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncs.engine.destination.ThreadPoolExecutor", Prompt)
    at_once(bench, 3)
    sandbox.settings.duplicates = TAKEN_FIRST
    keys = [f"KEY_{number}" for number in range(8)]
    bench.source(**dict.fromkeys(keys, "old"))
    bench.run()
    sandbox.clear_traffic()
    bench.source(**dict.fromkeys(keys, "new"))

    bench.run()

    assert [entry for entry in writes(sandbox) if entry.startswith("DELETE")] == [f"DELETE {key}" for key in keys]


def test_all_secrets_of_a_key_go_once_the_new_one_stands(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.settings.duplicates = Duplicates.ALLOW
    bench.source(A="1")
    bench.run()
    organization.put(key="A", value="theirs")
    sandbox.clear_traffic()
    bench.source(A="2")

    run = bench.run()

    assert writes(sandbox) == ["POST A", "DELETE A", "DELETE A"]
    assert organization.values() == {"A": "2"}
    assert (run.status, changes(run)) == (Status.SUCCEEDED, ["replace A"])


def test_a_rename_over_a_taken_key_removes_its_former_name_last(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.settings.duplicates = TAKEN_FIRST
    bench.source(OLD="v")
    bench.run()
    organization.put(key="NEW", value="theirs")
    sandbox.clear_traffic()
    bench.source(NEW="v")

    run = bench.run()

    assert writes(sandbox) == ["POST NEW", "DELETE NEW", "POST NEW", "DELETE OLD"]
    assert (organization.values(), changes(run)) == ({"NEW": "v"}, ["rename NEW"])
    assert list(bench.sync.managed_secrets.values_list("destination_key", flat=True)) == ["NEW"]


def test_of_a_rename_that_was_cut_short_only_the_deletion_is_left(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(OLD="v")
    bench.run()
    old = id_of(organization, "OLD")
    sandbox.faults.add(Kind.STATUS, method="DELETE", key="OLD", status=503, times=None)
    bench.source(NEW="v")
    unfinished = bench.run()
    assert set(organization.values()) == {"NEW", "OLD"}
    sandbox.faults.clear()
    sandbox.clear_traffic()

    run = bench.carry_out(unfinished)

    assert writes(sandbox) == ["DELETE OLD"]
    assert intents(run)[-1] == (Action.RENAME, Phase.REMOVING_OLD, "NEW", "", old)
    assert (run.status, changes(run), organization.values()) == (Status.SUCCEEDED, ["rename NEW"], {"NEW": "v"})
    assert list(bench.sync.managed_secrets.values_list("destination_key", flat=True)) == ["NEW"]


# Answers that leave open what happened


def unclear(sandbox: Sandbox, *keys: str, times: int | None = 1) -> None:
    for key in keys:
        sandbox.faults.add(Kind.STATUS, method="POST", key=key, status=503, times=times)


def test_the_fifth_unclear_answer_in_a_row_ends_the_writing_but_not_the_deleting(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(GONE="g", LEFT="l")
    bench.run()
    sandbox.clear_traffic()
    keys = [f"KEY_{number}" for number in range(5)]
    bench.source(LEFT="l", **dict.fromkeys(keys, "1"))
    unclear(sandbox, *keys, times=None)

    run = bench.run()

    assert writes(sandbox) == [*(f"POST {key}" for key in keys), "DELETE GONE"]
    assert run.status == Status.PENDING
    said = (
        "Devin answered unclearly 5 times in a row (timeouts, cut connections or 5xx). "
        "The next attempt goes by what Devin lists."
    )
    assert said in run.message
    assert organization.values() == {"LEFT": "l"}


def test_four_unclear_answers_are_settled_within_the_attempt(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    keys = [f"KEY_{number}" for number in range(5)]
    bench.source(**dict.fromkeys(keys, "1"))
    unclear(sandbox, *keys[:4])

    run = bench.run()

    assert (run.status, run.attempt, organization.values()) == (Status.SUCCEEDED, 1, dict.fromkeys(keys, "1"))
    assert sorted(writes(sandbox)) == sorted(f"POST {key}" for key in (*keys, *keys[:4]))


# A key that is absent


def test_a_key_that_could_not_be_put_back_is_on_record_with_its_value_and_no_other_is_taken(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.settings.duplicates = TAKEN_FIRST
    bench.source(A="old", B="old", GONE="g", LEFT="l")
    bench.run()
    sandbox.clear_traffic()
    bench.source(A="new", B="new", C="new", LEFT="l")
    sandbox.faults.add(Kind.STATUS, method="POST", key="A", status=503, skip=1, times=None)

    run = bench.run()

    intent = WriteIntent.objects.open().get(destination_key="A")
    assert (intent.action, intent.phase) == (Action.REPLACE, Phase.ABSENT)
    assert unseal(intent.sealed_value, context=intent.sealing_context()) == "new"
    assert organization.values() == {"B": "old", "C": "new", "LEFT": "l"}
    assert "DELETE B" not in writes(sandbox)
    assert run.status == Status.PENDING

    sandbox.faults.clear()
    sandbox.clear_traffic()
    again = bench.carry_out(run)

    assert writes(sandbox) == ["POST A", "POST B", "DELETE B", "POST B"]
    assert (again.status, organization.values()) == (Status.SUCCEEDED, dict.fromkeys("ABC", "new") | {"LEFT": "l"})
    assert not WriteIntent.objects.open().exists()


def test_two_values_refused_after_their_keys_had_to_go_spare_the_others(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.settings.duplicates = TAKEN_FIRST
    bench.source(**dict.fromkeys("ABCD", "old"), GONE="g")
    bench.run()
    sandbox.clear_traffic()
    bench.source(**dict.fromkeys("ABCD", "new"), NEW="n")
    for key in "ABCD":
        refuse_after_delete(sandbox, key, 422)

    run = bench.run()

    missing = sorted(set("ABCD") - set(organization.values()))
    assert len(missing) == 2
    assert organization.values() == dict.fromkeys(set("ABCD") - set(missing), "old") | {"NEW": "n"}
    for key in "ABCD":
        refused = f"Could not create `{key}` in org-sandbox: Devin answered 422. Check its key and value."
        gone = f"{key} is now missing from Devin: the old secret had to go first, and then: {refused}"
        stays = f"The old {key} stays: Devin refused the values of others after their old secrets had to go."
        assert detail(run, key) == (gone if key in missing else stays)
    assert f"Missing from Devin now: {', '.join(missing)}." in run.message
    assert (run.status, run.failed_count) == (Status.FAILED, 4)


# Faults of all keys


@pytest.mark.parametrize(
    ("method", "key", "tried"),
    [("POST", "NEW", "create NEW in"), ("POST", "B", "replace B in"), ("DELETE", "GONE", "delete GONE in")],
)
def test_a_refused_api_key_ends_the_attempt_and_says_what_was_tried(
    bench: Bench, sandbox: Sandbox, method: str, key: str, tried: str
) -> None:
    bench.source(B="1", GONE="g", LEFT="l")
    bench.run()
    bench.source(NEW="n", B="2", LEFT="l")
    sandbox.faults.add(Kind.STATUS, method=method, key=key, status=401, times=None)

    run = bench.run()

    assert run.status == Status.FAILED
    assert f"Could not {tried} org-sandbox: Devin does not accept the API key" in run.message


def test_what_is_under_way_when_an_attempt_ends_is_still_recorded(bench: Bench, sandbox: Sandbox) -> None:
    at_once(bench, 2)
    bench.source(A="a", B="b")
    held = sandbox.faults.add(Kind.HOLD, method="POST", key="A")
    sandbox.faults.add(Kind.STATUS, method="POST", key="B", status=401, times=None)
    run = threading.Thread(target=bench.run)
    run.start()
    assert held.reached.wait(PATIENCE)
    wait_until(lambda: any(entry.status == 401 for entry in sandbox.log.requests("POST", key="B")))
    held.release()
    run.join()

    assert list(bench.sync.managed_secrets.values_list("destination_key", flat=True)) == ["A"]
    bench.sync.refresh_from_db()
    assert bench.sync.sync_status == Status.FAILED


# What Devin will not delete


@pytest.mark.parametrize("status", [403, 404])
def test_an_old_secret_that_is_gone_already_is_as_good_as_deleted(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, status: int
) -> None:
    sandbox.settings.duplicates = Duplicates.ALLOW
    bench.source(A="1", B="1")
    bench.run()
    bench.source(A="2", B="2")
    rule = sandbox.faults.add(Kind.STATUS, method="DELETE", key="A", status=status, moment=Moment.AFTER)

    run = bench.run()

    assert rule.met == 1
    assert (run.status, organization.values()) == (Status.SUCCEEDED, {"A": "2", "B": "2"})


def test_an_old_secret_that_stays_fails_its_key_alone(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.settings.duplicates = TAKEN_FIRST
    bench.source(A="1", B="1", GONE="g", LEFT="l")
    bench.run()
    bench.source(A="2", B="2", LEFT="l")
    sandbox.faults.add(Kind.STATUS, method="DELETE", key="A", status=403, times=None)

    run = bench.run()

    assert (run.status, run.failed_count) == (Status.FAILED, 1)
    assert organization.values() == {"A": "1", "B": "2", "LEFT": "l"}
    assert detail(run, "A").startswith("Devin refuses to delete A")
