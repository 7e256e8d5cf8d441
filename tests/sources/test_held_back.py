"""Another sync whose source cannot be read may want what this one would delete: that is held, and all else goes on."""

from collections.abc import Callable

import pytest

from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from sources.errors import PlaceMissing, Refused, SourceError, Unavailable, Untrustworthy
from sources.protocol import EnvironmentEntry, Found, Place
from syncs.choices import BlockedReason, Decision, Operation, Outcome, Status, Strangers, Trigger
from syncs.editing import Actor, change_sync, delete_sync, switch_sync
from syncs.engine.preview import preview
from syncs.models import DevinSync, ManagedSecret, StrangerDecision, SyncRun
from syncs.runs import jobs
from syncs.runs.end import MAX_ATTEMPTS
from tests.actors import ANYBODY
from tests.api.conftest import Caller
from tests.sources.memory import Shelf
from tests.syncs.conftest import ORG, Bench, Manage, changes, manage
from vault.editing import create_folder
from vault.models import Environment, Folder, Project

__all__ = ["manage"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.usefixtures("no_pause"),
]
AWAY = Unavailable("The shelf did not answer. It is asked again.")
GONE = PlaceMissing("There is no folder dev:/ on the shelf. Choose another.")
REFUSED = Refused("The shelf does not know this reader. Enter its key again.")
BROKEN = Untrustworthy("The shelf broke off. Look at it, then sync again.")
Add = Callable[..., Bench]


@pytest.fixture
def bench(project: Project, connection: Connection, rung: list[str]) -> Bench:
    """A sync of the vault, which has written A, BEE and C."""
    environment = Environment.objects.get(project=project, slug="dev")
    folder = create_folder(environment, "/ours", by=ANYBODY)
    sync = DevinSync.objects.create(name="ours", project=project, folder=folder, connection=connection, org_id=ORG)
    bench = Bench(sync, folder)
    bench.source(A="1", BEE="2", C="3")
    assert bench.run().status == Status.SUCCEEDED
    return bench


@pytest.fixture
def add(shelf: Shelf, shelf_project: Project, connection: Connection) -> Add:
    """Another sync of the organization, from the shelf, which holds THEIRS alone."""
    shelf.put("dev", "/", THEIRS="t")

    def add_sync(name: str = "theirs", path: str = "/", **fields: object) -> Bench:
        told = {"name": name, "org_id": ORG, "strangers": Strangers.LEAVE} | fields
        sync = DevinSync(project=shelf_project, connection=connection, **told)
        sync.source = Found(Place("dev", path), EnvironmentEntry("dev", "dev"))
        sync.save()
        return Bench(sync, Folder())

    return add_sync


@pytest.fixture
def away(bench: Bench, add: Add, shelf: Shelf, sandbox: Sandbox) -> Bench:
    """The other sync, whose source is away; ours has another A, a new D and neither BEE nor C."""
    theirs = add()
    bench.source(A="another", D="4", E="5", F="6", G="7")
    bench.options(guard_max_percent=100)
    shelf.says, shelf.asked[:] = AWAY, []
    sandbox.clear_traffic()
    return theirs


def rung_of(sync: DevinSync) -> SyncRun:
    return SyncRun.objects.pending().get(sync=sync, trigger=Trigger.SOURCE_BACK)


# What is held, and what is not

CASES = [
    pytest.param(AWAY, {}, Outcome.HELD_BACK, id="away"),
    pytest.param(REFUSED, {}, Outcome.HELD_BACK, id="it refuses its reader"),
    pytest.param(GONE, {}, Outcome.HELD_BACK, id="its place is gone"),
    pytest.param(BROKEN, {}, Outcome.HELD_BACK, id="its answer cannot be believed"),
    pytest.param(AWAY, {"key_schema": "BE{{secretKey}}"}, Outcome.HELD_BACK, id="away, and the key fits its schema"),
    pytest.param(AWAY, {"key_schema": "X_{{secretKey}}"}, Outcome.DONE, id="away, and the key fits not its schema"),
    pytest.param(AWAY, {"is_enabled": False}, Outcome.DONE, id="away and disabled"),
    pytest.param(AWAY, {"org_id": "org-elsewhere"}, Outcome.DONE, id="away, at another organization"),
    pytest.param(None, {}, Outcome.DONE, id="it can be read and lacks the key"),
]


@pytest.mark.parametrize(("says", "fields", "outcome"), CASES)
def test_deletions_alone_are_held_and_only_what_it_may_want(
    *,
    bench: Bench,
    add: Add,
    shelf: Shelf,
    organization: SandboxOrganization,
    says: SourceError | None,
    fields: dict[str, object],
    outcome: Outcome,
) -> None:
    add(**fields)
    bench.source(A="another", C="3", D="4")
    shelf.says = says

    run = bench.run()

    assert changes(run, outcome)[-1:] == ["delete BEE"]
    assert {"create D", "replace A"} <= set(changes(run))
    is_held = outcome == Outcome.HELD_BACK
    assert organization.values() == {"A": "another", "C": "3", "D": "4"} | ({"BEE": "2"} if is_held else {})
    assert (run.held_count, run.deleted_count) == ((1, 0) if is_held else (0, 1))
    assert ManagedSecret.objects.filter(sync=bench.sync, destination_key="BEE").exists() is is_held


def test_one_that_can_be_read_and_wants_the_key_gets_it_whoever_else_is_away(
    bench: Bench, add: Add, shelf: Shelf, project: Project, connection: Connection
) -> None:
    add("away")
    folder = create_folder(Environment.objects.get(project=project, slug="dev"), "/here", by=ANYBODY)
    here = DevinSync.objects.create(name="here", project=project, folder=folder, connection=connection, org_id=ORG)
    Bench(here, folder).source(BEE="2")
    bench.source(A="1")
    shelf.says = AWAY

    run = bench.run()

    assert (changes(run), changes(run, Outcome.HELD_BACK)) == (["hand_over BEE"], ["delete C"])


@pytest.mark.usefixtures("away")
def test_the_run_says_by_name_what_is_held_and_why(bench: Bench) -> None:
    run = bench.run()

    assert run.status == Status.PENDING, "it is tried again, as waiting may help"
    assert run.message.startswith("2 deletions are held: BEE, C. ")
    for said in ("Held for the sync “theirs”", AWAY.message, "they go by themselves", "disable that sync"):
        assert said in run.message
    rows = run.changes.filter(outcome=Outcome.HELD_BACK).values_list("destination_key", "action", "reason", "detail")
    reason = "held, because the sync “theirs” may want it, and its source cannot be read"
    problem = f"Could not read dev:/: {AWAY.message}"
    assert list(rows) == [("BEE", "delete", reason, problem), ("C", "delete", reason, problem)]


@pytest.mark.parametrize("says", [REFUSED, GONE, BROKEN])
@pytest.mark.usefixtures("away")
def test_where_waiting_does_not_help_the_run_ends_and_asks_for_a_person(
    bench: Bench, shelf: Shelf, says: SourceError
) -> None:
    shelf.says = says

    run = bench.run()

    assert (run.status, run.created_count, run.replaced_count, run.held_count) == (Status.FAILED, 4, 1, 2)
    assert says.message in run.message


@pytest.mark.usefixtures("away")
def test_it_costs_one_question_and_no_request_more(bench: Bench, shelf: Shelf, sandbox: Sandbox) -> None:
    run = bench.run()

    assert shelf.asked == ["keys dev:/"]
    assert sandbox.log.counts() == {"GET": 1, "POST": 4 + 2, "DELETE": 1}, "four new, one replaced"
    sandbox.clear_traffic()
    bench.carry_out(run)
    assert sandbox.log.counts() == {"GET": 1}
    assert shelf.asked == ["keys dev:/"] * 2


def test_a_place_is_asked_for_once_however_many_syncs_read_it(bench: Bench, add: Add, shelf: Shelf) -> None:
    for number in range(3):
        add(f"theirs-{number}")
    bench.source(A="1", BEE="2")
    shelf.asked[:] = []

    bench.run()

    assert shelf.asked == ["keys dev:/"]


def test_a_project_that_is_away_is_asked_once_however_many_places_are_read(
    bench: Bench, add: Add, shelf: Shelf
) -> None:
    add("theirs-1"), add("theirs-2", "/app")
    bench.source(A="1", BEE="2")
    shelf.says, shelf.asked[:] = AWAY, []

    run = bench.run()

    assert (len(shelf.asked), run.held_count) == (1, 1)


@pytest.mark.usefixtures("away")
def test_it_gives_up_waiting_in_the_end_and_holds_them_still(bench: Bench, organization: SandboxOrganization) -> None:
    run = bench.run()
    for _ in range(MAX_ATTEMPTS - 1):
        assert run.status == Status.PENDING
        bench.carry_out(run)

    assert (run.status, run.held_count, run.deleted_count) == (Status.FAILED, 2, 0)
    assert "Given up after 5 attempts" in run.message
    assert {"BEE", "C"} <= organization.values().keys()


# Once it can be read again


def test_what_is_held_goes_as_soon_as_the_other_sync_has_read_its_source(
    bench: Bench, away: Bench, shelf: Shelf, organization: SandboxOrganization, rung: list[str]
) -> None:
    held = bench.run()
    SyncRun.objects.filter(pk=held.pk).update(status=Status.FAILED)
    shelf.says = None
    rung.clear()

    assert away.run().status == Status.SUCCEEDED
    asked = rung_of(bench.sync)
    assert str(asked.pk) in rung
    run = bench.carry_out(asked)

    assert (run.status, changes(run)) == (Status.SUCCEEDED, ["delete BEE", "delete C"])
    assert organization.values() == {"A": "another", "D": "4", "E": "5", "F": "6", "G": "7", "THEIRS": "t"}


def test_the_run_that_waits_is_the_one_that_goes_on(bench: Bench, away: Bench, shelf: Shelf) -> None:
    held = bench.run()
    shelf.says = None

    away.run()

    held.refresh_from_db()
    assert (held.status, held.not_before) == (Status.PENDING, None)
    assert bench.carry_out(held).status == Status.SUCCEEDED


def test_what_the_other_sync_wants_is_handed_over_then(bench: Bench, away: Bench, shelf: Shelf) -> None:
    held = bench.run()
    shelf.says = None
    shelf.put("dev", "/", BEE="2", THEIRS="t")

    away.run()
    run = bench.carry_out(held)

    assert changes(run)[-2:] == ["hand_over BEE", "delete C"]
    assert ManagedSecret.objects.get(destination_key="BEE").sync == away.sync


def test_a_look_that_finds_it_readable_rings_too(
    bench: Bench, away: Bench, shelf: Shelf, shelf_project: Project
) -> None:
    shelf.version = "1"
    held = bench.run()
    SyncRun.objects.filter(pk=held.pk).update(status=Status.FAILED)
    jobs.run_sync(str(shelf_project.pk))
    assert not SyncRun.objects.filter(trigger=Trigger.SOURCE_BACK).exists(), "it is still away"

    shelf.says = None
    jobs.run_sync(str(shelf_project.pk))

    assert rung_of(bench.sync).trigger == Trigger.SOURCE_BACK
    away.sync.refresh_from_db()
    assert not away.sync.is_awaited


STOPS: dict[str, Callable[[DevinSync], object]] = {
    "disabled": lambda sync: switch_sync(sync.pk, "is_enabled", on=False, by=Actor.on_command_line()),
    "disabled by an edit": lambda sync: change_sync(sync.pk, {"is_enabled": False}, by=Actor.on_command_line()),
    "deleted": lambda sync: delete_sync(sync.pk, by=Actor.on_command_line(), removes_secrets=False),
    "sent elsewhere": lambda sync: change_sync(sync.pk, {"org_id": "org-elsewhere"}, by=Actor.on_command_line()),
}


@pytest.mark.parametrize("what", STOPS)
def test_what_is_held_goes_at_once_if_the_other_sync_has_nothing_to_say_any_more(
    bench: Bench, away: Bench, what: str, organization: SandboxOrganization
) -> None:
    held = bench.run()

    STOPS[what](away.sync)

    held.refresh_from_db()
    assert (held.status, held.not_before) == (Status.PENDING, None)
    run = bench.carry_out(held)
    assert (run.status, changes(run)[-2:]) == (Status.SUCCEEDED, ["delete BEE", "delete C"])
    assert not {"BEE", "C"} & organization.values().keys()


def test_another_edit_of_the_other_sync_rings_nobody(bench: Bench, away: Bench) -> None:
    held = bench.run()

    switch_sync(away.sync.pk, "auto_sync_enabled", on=False, by=Actor.on_command_line())
    change_sync(away.sync.pk, {"description": "away"}, by=Actor.on_command_line())

    held.refresh_from_db()
    assert held.not_before is not None


@pytest.mark.parametrize("says", [GONE, BROKEN])
def test_a_look_at_a_place_that_cannot_be_read_rings_nobody(
    bench: Bench, away: Bench, shelf: Shelf, shelf_project: Project, says: SourceError
) -> None:
    shelf.says = says
    bench.run()

    jobs.run_sync(str(shelf_project.pk))

    assert not SyncRun.objects.filter(trigger=Trigger.SOURCE_BACK).exists()
    away.sync.refresh_from_db()
    assert away.sync.is_awaited


def test_nobody_is_rung_who_no_longer_waits(bench: Bench, away: Bench, shelf: Shelf) -> None:
    bench.carry_out(bench.run())
    bench.source(A="another", BEE="2", C="3", D="4", E="5", F="6", G="7")
    bench.carry_out(SyncRun.objects.pending().get(sync=bench.sync))
    shelf.says = None

    away.run()

    assert not SyncRun.objects.filter(trigger=Trigger.SOURCE_BACK).exists()


# Renames, removals, strangers, duplicates


def test_the_former_key_of_a_rename_is_held_and_the_new_one_written(
    bench: Bench, add: Add, shelf: Shelf, organization: SandboxOrganization
) -> None:
    theirs = add()
    bench.source(A="1", BEE="2", NEW="3")
    shelf.says = AWAY

    run = bench.run()
    assert changes(run) == ["create NEW"]
    assert changes(run, Outcome.HELD_BACK) == ["delete C"]
    assert organization.values() == {"A": "1", "BEE": "2", "C": "3", "NEW": "3"}

    shelf.says = None
    theirs.run()
    run = bench.carry_out(run)
    assert (run.status, run.renamed_count, run.deleted_count) == (Status.SUCCEEDED, 1, 0)
    assert organization.values() == {"A": "1", "BEE": "2", "NEW": "3", "THEIRS": "t"}


def test_held_renames_are_no_deletions_for_the_guard(bench: Bench, add: Add, shelf: Shelf) -> None:
    keys = {f"KEY_{number}": f"value {number}" for number in range(30)}
    bench.source(**keys)
    bench.run(confirms_any_deletion=True)
    add()
    shelf.says = AWAY
    bench.source(**{f"NEW_{key}": value for key, value in keys.items()})

    run = bench.run()

    assert (run.status, run.created_count, run.held_count, run.blocked_reason) == (Status.PENDING, 30, 30, "")


def test_what_is_held_counts_for_the_guard_so_that_no_deletion_goes_in_two_halves(
    bench: Bench, add: Add, shelf: Shelf, organization: SandboxOrganization
) -> None:
    keys = {f"{half}_{number}": "v" for half in ("X", "Y") for number in range(15)}
    bench.source(**keys)
    bench.run(confirms_any_deletion=True)
    bench.options(guard_max_percent=100)
    add(key_schema="X_{{secretKey}}")
    shelf.says = AWAY
    bench.source(NEW="1")

    run = bench.run()

    assert (run.status, run.blocked_reason) == (Status.BLOCKED, BlockedReason.TOO_MANY_DELETIONS)
    assert "deletes 30 of 30 secrets in scope (100 %), 15 of them once another sync's source can be read" in run.message
    assert organization.values().keys() == {*keys, "NEW"}


def test_a_removal_deletes_what_nobody_can_want_and_the_rest_later(
    bench: Bench, add: Add, shelf: Shelf, organization: SandboxOrganization
) -> None:
    theirs = add(key_schema="BE{{secretKey}}")
    shelf.says = AWAY
    run = bench.run(operation=Operation.REMOVE, removes_sync=True)
    assert (run.status, changes(run)) == (Status.PENDING, ["delete A", "delete C"])
    assert organization.values() == {"BEE": "2"}
    assert DevinSync.objects.filter(pk=bench.sync.pk).exists()
    SyncRun.objects.filter(pk=run.pk).update(status=Status.FAILED)

    shelf.says = None
    theirs.run()
    again = rung_of(bench.sync)
    assert (again.operation, again.removes_sync) == (Operation.REMOVE, True)
    jobs.run_sync(str(again.pk))

    assert organization.values() == {"BETHEIRS": "t"}
    assert not DevinSync.objects.filter(pk=bench.sync.pk).exists()


@pytest.mark.parametrize(
    ("policy", "decision", "held"),
    [
        (Strangers.DELETE, None, 1),
        (Strangers.LEAVE, None, 0),
        (Strangers.ASK, None, 0),
        (Strangers.ASK, Decision.DELETE, 1),
    ],
)
def test_a_stranger_is_held_where_it_would_be_deleted(
    *,
    bench: Bench,
    add: Add,
    shelf: Shelf,
    organization: SandboxOrganization,
    policy: Strangers,
    decision: Decision | None,
    held: int,
) -> None:
    stranger = organization.put(key="STRANGER", value="s")
    bench.options(strangers=Strangers.ASK)
    bench.run()
    if decision:
        StrangerDecision.objects.create(
            sync=bench.sync,
            destination=bench.sync.destination(),
            secret_id=stranger.secret_id,
            destination_key="STRANGER",
            decision=decision,
        )
    bench.options(strangers=policy)
    add()
    shelf.says = AWAY

    run = bench.run()

    assert len(changes(run, Outcome.HELD_BACK)) == held
    assert organization.values()["STRANGER"] == "s"


def test_another_secret_of_a_key_that_stays_goes(
    bench: Bench, add: Add, shelf: Shelf, organization: SandboxOrganization
) -> None:
    add()
    organization.put(key="A", value="twice")
    shelf.says = AWAY

    run = bench.run()

    assert (run.status, changes(run)) == (Status.SUCCEEDED, ["delete A"])


# Before a run


@pytest.mark.usefixtures("away")
def test_every_face_of_the_plan_shows_what_is_held(bench: Bench, editor: Caller, manage: Manage) -> None:
    plan = preview(bench.sync).plan
    assert (plan.counts["delete"], plan.counts["hold"]) == (0, 2)

    answered = editor.post(f"/api/v1/secret-syncs/devin/{bench.sync.pk}/plan")["plan"]
    assert answered["counts"]["hold"] == 2
    held = [change for change in answered["changes"] if change["action"] == "hold"]
    assert [change["destinationKey"] for change in held] == ["BEE", "C"]
    assert AWAY.message in held[0]["detail"]

    printed = manage("plan", str(bench.sync.pk))
    assert "! holds BEE  (held, because the sync “theirs” may want it" in printed
    assert "2 to hold" in printed


@pytest.mark.usefixtures("away")
def test_the_run_is_answered_with_what_is_held(bench: Bench, editor: Caller) -> None:
    run = bench.run()

    answered = editor.get(f"/api/v1/sync-runs/{run.pk}")["syncRun"]

    assert (answered["outcome"], answered["counts"].get("held", 0)) == ("pending", 2)
    held = [change for change in answered["changes"] if change["outcome"] == "held_back"]
    assert [(change["action"], change["destinationKey"]) for change in held] == [("delete", "BEE"), ("delete", "C")]
    assert AWAY.message in held[0]["detail"]
