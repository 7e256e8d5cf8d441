"""Answers that leave open what happened: however many there are, the organization ends equal to the source.

The scene and what must hold after it are those of the kill points: three creates, three replaces, two deletes, one
keep, and others' secrets beside them. A write that the sandbox sees without a committed intent is a failure everywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.faults import AMBIGUOUS, Kind, Moment
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Action, Outcome, Phase, Status, Trigger
from syncs.models import SyncRun, WriteIntent
from syncs.runs.ask import request_run
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench, changes
from tests.syncs.silence import give_up_on_silence
from tests.syncs.torture.theatre import PLAYS, WRITES, Play, Scene, set_scene, wait_for_quiet, witnessed
from vault.editing import set_secret

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause", "_impatient")]

SEEDS_AT_ONCE = 25
SEEDS = [
    pytest.param(range(first, first + SEEDS_AT_ONCE), id=f"seeds-{first}", marks=[pytest.mark.torture] if first else [])
    for first in range(0, 500, SEEDS_AT_ONCE)
]
MODES = list(Duplicates)
# The scene takes 2 lists and, by mode, 11 to 14 writes. A fault in three makes about twice that.
MOST_REQUESTS = 150
MOST_ATTEMPTS = 12


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    give_up_on_silence(monkeypatch)


@contextmanager
def scene_in(sandbox: Sandbox, mode: Duplicates, play: Play = WRITES) -> Iterator[Scene]:
    sandbox.settings.duplicates = mode
    scene = set_scene(sandbox, play)
    with witnessed(scene):
        yield scene
    sandbox.clear_traffic()


def carry_out_until_done(scene: Scene) -> None:
    """As workers and the schedule would, again and again."""
    for _ in range(MOST_ATTEMPTS):
        scene.run.refresh_from_db()
        if scene.run.status == Status.SUCCEEDED:
            return
        if scene.run.is_finished:
            scene.run = request_run(scene.sync, trigger=Trigger.SCHEDULE)
        SyncRun.objects.filter(pk=scene.run.pk).update(not_before=None)
        scene.carry_out()


def requests_in(scene: Scene, method: str | None = None) -> int:
    return len(scene.sandbox.log.requests(method, org=scene.sync.org_id))


@pytest.mark.postgresql
@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
@pytest.mark.parametrize("seeds", SEEDS)
def test_a_third_of_all_answers_ambiguous(sandbox: Sandbox, seeds: range, play: Play) -> None:
    problems = {}
    for seed in seeds if play is WRITES else seeds[::5]:
        with scene_in(sandbox, MODES[seed % len(MODES)], play) as scene:
            sandbox.clear_traffic()
            sandbox.faults.at_random(AMBIGUOUS, rate=0.3, seed=seed)
            carry_out_until_done(scene)
            if play is not WRITES:
                sandbox.faults.clear()
            problems[seed] = scene.problems()
            if requests_in(scene) > MOST_REQUESTS:
                problems[seed].append(f"it took {requests_in(scene)} requests")

    assert {seed: found for seed, found in problems.items() if found} == {}


@pytest.mark.parametrize("mode", [Duplicates.REJECT_409, Duplicates.ALLOW])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_one_unclear_answer_is_settled_within_the_run(sandbox: Sandbox, method: str, mode: Duplicates) -> None:
    problems = {}
    for fault in AMBIGUOUS:
        with scene_in(sandbox, mode) as scene:
            sandbox.clear_traffic()
            sandbox.faults.at_random([fault], rate=1, seed=0, method=method, times=1)
            scene.carry_out()
            name = f"{fault.kind} {fault.moment}"
            problems[name] = scene.problems()
            if requests_in(scene, "GET") > 2:
                problems[name].append(f"it took {requests_in(scene, 'GET')} lists")

    assert {name: found for name, found in problems.items() if found} == {}


def test_an_answer_that_does_not_say_what_it_should_is_settled_by_the_list(sandbox: Sandbox) -> None:
    strange = [Kind.OTHER_KEY, Kind.NO_ID, Kind.HTML, Kind.DEEP_JSON, Kind.INVALID_UTF8, Kind.HUGE, Kind.DRIP]
    with scene_in(sandbox, Duplicates.REJECT_409) as scene:
        for number, kind in enumerate(strange):
            sandbox.faults.add(kind, method="POST", key=f"APP_{kind.upper()}", seconds=0.1, size=9 * 1024 * 1024)
            set_secret(scene.folder, kind.upper(), str(number), by=ANYBODY)

        carry_out_until_done(scene)

        assert scene.unwitnessed == []
        for number, kind in enumerate(strange):
            assert [secret.value for secret in scene.organization.with_key(f"APP_{kind.upper()}")] == [str(number)]
        assert not WriteIntent.objects.open().exists()


@pytest.mark.parametrize("mode", MODES)
def test_a_write_that_lands_after_we_gave_up_leaves_no_second_secret(sandbox: Sandbox, mode: Duplicates) -> None:
    with scene_in(sandbox, mode) as scene:
        sandbox.faults.add(Kind.LATE_COMMIT, method="POST", key="APP_C1", seconds=0.1)
        sandbox.faults.add(Kind.LATE_COMMIT, method="POST", key="APP_R1", seconds=0.1)

        scene.carry_out()
        wait_for_quiet(sandbox)
        scene.run = request_run(scene.sync, trigger=Trigger.SCHEDULE)
        carry_out_until_done(scene)

        scene.unwitnessed.clear()  # their intents were closed by the time they landed
        assert scene.problems() == []


def test_what_was_written_before_the_answer_was_lost_is_not_written_again(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(A="1")
    sandbox.faults.add(Kind.CUT, method="POST", moment=Moment.AFTER)

    run = bench.run()

    assert (run.status, run.attempt, run.created_count) == (Status.SUCCEEDED, 1, 1)
    assert sandbox.log.counts() == {"GET": 2, "POST": 1}
    assert organization.values() == {"A": "1"}


def test_a_lost_write_is_made_under_a_new_nonce(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="1")
    sandbox.faults.add(Kind.CUT, method="POST")

    bench.run()

    notes = [entry.note for entry in sandbox.log.requests("POST")]
    assert len(notes) == len(set(notes)) == 2


def test_deletions_wait_until_every_write_is_clear(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(OLD_NAME="1")
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="POST", status=503, times=None)

    bench.source(NEW_NAME="1")
    run = bench.run()

    assert not sandbox.log.requests("DELETE")
    assert organization.values() == {"OLD_NAME": "1"}
    assert run.status == Status.PENDING
    assert run.not_before is not None


def test_an_outage_ends_the_attempt_soon(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(**{f"KEY_{number}": "1" for number in range(50)})
    sandbox.faults.add(Kind.STATUS, method="POST", status=503, times=None)

    run = bench.run()

    assert run.status == Status.PENDING
    assert "answered unclearly 5 times in a row" in run.message
    assert len(sandbox.log.requests("POST")) <= 5 + 3 * bench.sync.connection.concurrency


def test_a_run_is_given_up_after_five_attempts(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="1")
    sandbox.faults.add(Kind.STATUS, method="POST", status=503, times=None)

    run = bench.run()
    for _ in range(4):
        bench.carry_out(run)

    assert (run.status, run.attempt) == (Status.FAILED, 5)
    assert "Given up after 5 attempts." in run.message
    assert len(sandbox.log.requests("POST")) <= 5 * 6


# A key that had to go first


def after_taking_a_key_away(bench: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> SyncRun:
    """The old secret is deleted, and then Devin fails to create the new one."""
    bench.source(A="old", B="b")
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="POST", key="A", status=503, skip=1, times=None)
    bench.source(A="new", B="b")
    run = bench.run()
    assert (run.status, organization.values()) == (Status.PENDING, {"B": "b"})
    return run


def test_the_value_of_an_absent_key_stays_sealed(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    after_taking_a_key_away(bench, sandbox, organization)

    (intent,) = WriteIntent.objects.exclude(sealed_value="")
    assert (intent.destination_key, intent.phase, intent.closed_at) == ("A", Phase.ABSENT, None)
    assert "new" not in intent.sealed_value


def test_an_absent_key_comes_back_even_if_the_source_is_gone(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = after_taking_a_key_away(bench, sandbox, organization)
    sandbox.faults.clear()
    set_secret(bench.folder, "BROKEN", "${NOT_THERE}", by=ANYBODY)

    bench.carry_out(run)

    assert organization.values() == {"A": "new", "B": "b"}
    assert run.status == Status.FAILED
    assert "NOT_THERE" in run.message
    assert not WriteIntent.objects.exclude(sealed_value="").exists()


def test_going_on_with_a_replacement_is_not_drift(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = after_taking_a_key_away(bench, sandbox, organization)
    sandbox.faults.clear()

    bench.carry_out(run)

    row = run.changes.get(destination_key="A")
    assert (row.action, row.outcome, row.is_drift) == (Action.REPLACE, Outcome.DONE, False)
    assert row.reason == "an earlier attempt ended after deleting the old one"
    assert (run.created_count, run.replaced_count, run.drifted_count) == (0, 1, 0)


def test_an_absent_key_does_not_wait_for_a_person(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = after_taking_a_key_away(bench, sandbox, organization)
    sandbox.faults.clear()
    bench.source()

    bench.carry_out(run)

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, "empty_source")
    assert organization.values() == {"A": "new", "B": "b"}
    assert not WriteIntent.objects.open().exists()


def test_an_absent_key_comes_back_with_what_the_source_holds_by_then(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = after_taking_a_key_away(bench, sandbox, organization)
    sandbox.faults.clear()
    bench.source(A="newer", B="b")

    bench.carry_out(run)

    assert organization.values() == {"A": "newer", "B": "b"}
    assert not WriteIntent.objects.open().exists()
    assert not WriteIntent.objects.exclude(sealed_value="").exists()


def test_an_absent_key_that_nobody_wants_any_more_stays_away(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    run = after_taking_a_key_away(bench, sandbox, organization)
    sandbox.faults.clear()
    bench.source(B="b")

    bench.carry_out(run)

    assert (run.status, organization.values()) == (Status.SUCCEEDED, {"B": "b"})
    assert not WriteIntent.objects.open().exists()
    assert not WriteIntent.objects.exclude(sealed_value="").exists()


def test_a_value_refused_after_its_key_had_to_go_is_called_missing(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(A="old")
    bench.run()
    sandbox.faults.add(Kind.STATUS, method="POST", key="A", status=422, skip=1, body='{"detail": "too long"}')
    bench.source(A="new")

    run = bench.run()

    assert run.status == Status.FAILED
    assert "A is now missing from Devin: the old secret had to go first" in run.changes.get().detail
    assert changes(bench.run()) == ["create A"]
    assert organization.values() == {"A": "new"}
