"""A change reaches the canaries first and then the others, and stops where too many fail."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleets.choices import Cause, RolloutState, StepState
from fleets.editing import change_set, delete_set
from fleets.generating import generate
from fleets.models import Rollout
from fleets.running import run_all
from fleets.waves import conductor
from fleets.waves.companion import tend_all
from syncs.choices import AsksForWave, Status, Trigger
from syncs.errors import NotRunnable
from syncs.models import DevinSync, SyncRun
from syncs.runs import end, jobs
from syncs.runs.ask import request_run
from syncs.runs.ask_many import request_runs
from tests.actors import ANYBODY
from tests.fleets.conftest import CONSOLE
from tests.fleets.waves.conftest import NAMES, Fleet, MakeFleet
from vault.editing import set_secret

ORDER = ["beta", "alpha", "delta", "gamma", "omega"]
WAVES = ["beta", "alpha delta", "gamma omega"]
LATER = ("alpha", "delta", "gamma", "omega")


def refuse(fleet: Fleet, *names: str) -> None:
    """Devin takes no further value of theirs."""
    for name in names:
        fleet.sandbox.organization(f"org-{name}").refuse_value("NEW")


def written(fleet: Fleet) -> set[str]:
    return {(entry.org or "").removeprefix("org-") for entry in fleet.sandbox.log.writes()}


def test_a_new_set_begins_with_its_canaries(make_fleet: MakeFleet) -> None:
    fleet = make_fleet()

    tend_all()

    assert (fleet.waves(), fleet.carry_out()) == (WAVES, ORDER)
    assert (fleet.last.state, fleet.last.reason) == (RolloutState.DONE, "")
    assert Rollout.objects.count() == 1


def test_a_change_of_the_source_goes_out_wave_by_wave(fleet: Fleet) -> None:
    set_secret(fleet.folder, "NEW", "1", by=ANYBODY)

    assert list(SyncRun.objects.pending().values_list("org_id", "trigger")) == [("org-beta", Trigger.ROLLOUT)]
    assert fleet.carry_out() == ORDER
    assert fleet.values("NEW") == dict.fromkeys(NAMES, "1")
    assert (fleet.last.state, fleet.last.cause, fleet.last.wave) == (RolloutState.DONE, Cause.CHANGE, 2)


def test_no_wave_begins_before_all_of_the_last_have_ended(fleet: Fleet) -> None:
    fleet.source(NEW="1")
    (canary,) = SyncRun.objects.pending()
    fleet.carry_out_one(canary)
    first, second = SyncRun.objects.pending().order_by("org_id")

    fleet.carry_out_one(first)
    tend_all()

    assert (first.org_id, second.org_id) == ("org-alpha", "org-delta")
    assert list(SyncRun.objects.pending()) == [second]


def test_a_canary_that_fails_keeps_the_change_from_all_others(fleet: Fleet) -> None:
    refuse(fleet, "beta")

    fleet.source(KEPT="1", NEW="bad")
    carried = fleet.carry_out()
    request_runs([fleet.sync(name).pk for name in LATER], trigger=Trigger.SCHEDULE)
    DevinSync.objects.update(next_reconcile_at=None)
    for name in LATER:
        request_run(fleet.sync(name), trigger=Trigger.HAND_OVER)
    fleet.carry_out()

    assert (carried, written(fleet)) == (["beta"], {"beta"})
    assert fleet.last.state == RolloutState.STOPPED
    assert fleet.last.reason == (
        "1 of 1 failed or were blocked in wave 1 of 3, and none may. It has not come to 4: mend what failed, then let "
        "it go on, or end it."
    )
    assert fleet.steps() == {"beta": StepState.FAILED} | dict.fromkeys(LATER, StepState.WAITING)
    assert Rollout.objects.count() == 2, "what the others found is what was stopped"


def test_a_person_lets_it_go_on(fleet: Fleet) -> None:
    refuse(fleet, "beta")
    fleet.source(KEPT="1", NEW="1")
    fleet.carry_out()

    conductor.go_on(fleet.last.pk)

    assert fleet.carry_out() == ORDER[1:]
    assert fleet.values("NEW") == dict.fromkeys(LATER, "1")
    assert (fleet.last.state, fleet.last.reason) == (RolloutState.DONE, "1 failed.")
    with pytest.raises(NotRunnable, match="This rollout is done by now"):
        conductor.go_on(fleet.last.pk)


def test_so_many_may_fail(fleet: Fleet) -> None:
    change_set(fleet.set.pk, {"max_failures": 1}, by=CONSOLE)
    generate(fleet.set.pk)
    refuse(fleet, "beta", "gamma")

    fleet.source(KEPT="1", NEW="1")

    assert fleet.carry_out() == ORDER
    assert (fleet.last.state, fleet.last.reason) == (RolloutState.DONE, "2 failed.")


def test_the_value_that_mends_it_goes_to_the_canary_first(fleet: Fleet) -> None:
    refuse(fleet, "beta")
    fleet.source(KEPT="1", NEW="bad")
    fleet.carry_out()
    stopped = fleet.last
    fleet.sandbox.organization("org-beta").accept_value("NEW")

    fleet.source(KEPT="1", NEW="good")

    stopped.refresh_from_db()
    assert (stopped.state, stopped.reason) == (RolloutState.SUPERSEDED, "Another change came before it was done.")
    assert (fleet.waves(), fleet.carry_out()) == (WAVES, ORDER)
    assert fleet.values("NEW") == dict.fromkeys(NAMES, "good")


def test_a_change_half_way_begins_anew_and_forgets_nobody(fleet: Fleet) -> None:
    """Delta's run is under way, alpha's waits: neither brings the second change before the canary has it."""
    fleet.source(KEPT="1", NEW="1")
    (canary,) = SyncRun.objects.pending()
    fleet.carry_out_one(canary)
    delta = SyncRun.objects.pending().get(org_id="org-delta")
    claimed = fleet.claim(delta)

    fleet.source(KEPT="1", NEW="2")

    with claimed[1]:
        jobs.attempt(*claimed)
    alpha = SyncRun.objects.pending().get(org_id="org-alpha")
    fleet.carry_out_one(alpha)
    delta.refresh_from_db()
    alpha.refresh_from_db()
    assert (delta.status, alpha.status) == (Status.CANCELLED, Status.CANCELLED)
    assert fleet.values("NEW") == {"beta": "1"}
    fleet.carry_out()
    assert fleet.values("NEW") == dict.fromkeys(NAMES, "2")
    assert (fleet.last.state, fleet.waves()) == (RolloutState.DONE, WAVES)


def test_a_change_of_one_organization_alone_needs_no_canary(fleet: Fleet) -> None:
    with_turn = fleet.sync("gamma")
    DevinSync.objects.filter(pk=with_turn.pk).update(asks_for_wave=AsksForWave.CHANGE)

    tend_all()

    assert (fleet.waves(), fleet.carry_out()) == (["gamma"], ["gamma"])


def test_what_a_reconcile_finds_begins_with_the_canaries(fleet: Fleet) -> None:
    """The source told nothing: the run that finds the change writes nothing, and everybody gets it in turn."""
    fleet.source(KEPT="1", NEW="1")
    Rollout.objects.all().delete()
    SyncRun.objects.all().delete()
    DevinSync.objects.update(asks_for_wave="")

    found = request_run(fleet.sync("omega"), trigger=Trigger.SCHEDULE)
    fleet.carry_out_one(found)

    found.refresh_from_db()
    assert (found.status, written(fleet)) == (Status.CANCELLED, set())
    assert (fleet.last.cause, fleet.waves()) == (Cause.FOUND, WAVES)
    assert fleet.carry_out() == ORDER


def test_a_run_that_waits_already_is_joined(fleet: Fleet) -> None:
    waiting = request_run(fleet.sync("beta"), trigger=Trigger.SCHEDULE)

    fleet.source(KEPT="1", NEW="1")

    waiting.refresh_from_db()
    assert (waiting.is_released, fleet.last.steps.get(wave=0).run_id) == (True, waiting.pk)


def test_an_edit_of_the_set_is_one_rollout_of_all(fleet: Fleet) -> None:
    change_set(fleet.set.pk, {"key_schema": "P_{{secretKey}}"}, by=CONSOLE)
    generate(fleet.set.pk)

    assert Rollout.objects.count() == 2, "not before all of its syncs are changed"
    assert (fleet.waves(), fleet.carry_out()) == (WAVES, ORDER)
    assert fleet.values("P_KEPT") == dict.fromkeys(NAMES, "1")


def test_all_now_waits_for_nobody(fleet: Fleet) -> None:
    refuse(fleet, "beta")
    fleet.source(KEPT="1", NEW="1")
    fleet.carry_out()

    conductor.all_now(fleet.set.pk)

    assert SyncRun.objects.pending().count() == len(NAMES)
    fleet.carry_out()
    assert (fleet.values("NEW"), fleet.last.state) == (dict.fromkeys(LATER, "1"), RolloutState.DONE)
    conductor.all_now(fleet.set.pk)
    assert fleet.waves() == ["alpha beta delta gamma omega"]


def test_a_person_stops_it_and_lets_it_go_on(fleet: Fleet) -> None:
    fleet.source(KEPT="1", NEW="1")
    (canary,) = SyncRun.objects.pending()

    conductor.stop(fleet.last.pk, by="ada")

    canary.refresh_from_db()
    assert (canary.status, fleet.carry_out()) == (Status.CANCELLED, [])
    assert (fleet.last.state, fleet.last.reason) == (RolloutState.STOPPED, "Stopped by ada.")
    conductor.go_on(fleet.last.pk)
    assert fleet.carry_out() == ORDER


def test_what_was_ended_comes_only_with_a_further_change(fleet: Fleet) -> None:
    fleet.source(KEPT="1", NEW="1")
    conductor.end(fleet.last.pk, by="ada")
    assert fleet.last.reason == "Ended by ada. It has not come to 5 of 5."
    for name in NAMES:
        fleet.carry_out_one(request_run(fleet.sync(name), trigger=Trigger.SCHEDULE))
    assert (fleet.carry_out(), written(fleet), Rollout.objects.count()) == ([], set(), 2)

    fleet.source(KEPT="1", NEW="2")

    assert fleet.carry_out() == ORDER


def test_a_later_run_of_a_person_counts_for_one_that_failed(fleet: Fleet) -> None:
    fleet.source(KEPT="1", NEW="1")
    (canary,) = SyncRun.objects.pending()
    claimed = fleet.claim(canary)
    request_run(fleet.sync("beta"), trigger=Trigger.MANUAL)

    with claimed[1]:
        end.fail(claimed[0], "Devin is away.")

    assert fleet.last.state == RolloutState.RUNNING
    assert fleet.carry_out() == ORDER


def test_an_organization_that_may_not_run_is_left_out(fleet: Fleet) -> None:
    fleet.source(KEPT="1", NEW="1")
    DevinSync.objects.filter(org_id__in=["org-beta", "org-delta"]).update(is_enabled=False)

    assert fleet.carry_out() == ["beta", "alpha", "gamma", "omega"]
    assert fleet.steps() == dict.fromkeys(NAMES, StepState.DONE) | dict.fromkeys(("beta", "delta"), StepState.SKIPPED)


def test_a_run_that_is_gone_gets_its_turn_once_more(fleet: Fleet) -> None:
    fleet.source(KEPT="1", NEW="1")
    SyncRun.objects.pending().delete()

    tend_all()

    assert fleet.carry_out() == ORDER


def test_a_canary_that_failed_is_tried_again_where_nobody_else_gets_it(fleet: Fleet) -> None:
    refuse(fleet, "beta")
    fleet.source(KEPT="1", NEW="1")
    fleet.carry_out()
    fleet.sandbox.organization("org-beta").accept_value("NEW")

    fleet.carry_out_one(request_run(fleet.sync("beta"), trigger=Trigger.SCHEDULE))

    assert fleet.carry_out() == ["beta"]
    assert (fleet.values("NEW"), fleet.steps()["beta"]) == ({"beta": "1"}, StepState.DONE)
    assert fleet.last.state == RolloutState.STOPPED


def test_without_waves_any_more_what_is_left_goes_out_at_once(fleet: Fleet) -> None:
    fleet.source(KEPT="1", NEW="1")
    change_set(fleet.set.pk, {"canaries": "", "wave_size": 0}, by=CONSOLE)
    generate(fleet.set.pk)

    tend_all()

    assert SyncRun.objects.pending().count() == len(NAMES)
    assert not DevinSync.objects.filter(goes_in_waves=True).exists()


def test_the_syncs_of_a_set_that_is_deleted_go_on_without_waves(fleet: Fleet) -> None:
    fleet.source(KEPT="1", NEW="1")

    delete_set(fleet.set.pk, by=CONSOLE, removes_secrets=False)

    assert sorted(fleet.carry_out()) == sorted(NAMES)
    assert fleet.values("NEW") == dict.fromkeys(NAMES, "1")
    assert not DevinSync.objects.filter(goes_in_waves=True).exists()


# What waits for another attempt


def delay(fleet: Fleet, name: str) -> SyncRun:
    """A pending run of an organization that failed once, and is to be tried again in an hour."""
    later = timezone.now() + timedelta(hours=1)
    SyncRun.objects.pending().filter(org_id=f"org-{name}").update(attempt=1, not_before=later)
    return SyncRun.objects.pending().get(org_id=f"org-{name}")


def test_all_now_starts_what_waits_for_another_attempt(fleet: Fleet, rung: list[str]) -> None:
    fleet.source(NEW="1")
    run = delay(fleet, "beta")
    tend_all()
    run.refresh_from_db()
    assert run.not_before is not None, "nobody has asked for it"
    rung.clear()

    conductor.all_now(fleet.set.pk)

    run.refresh_from_db()
    assert run.not_before is None
    assert str(run.pk) in rung


@pytest.mark.parametrize(("canaries", "name"), [("org-beta", "beta"), ("", "alpha")])
def test_sync_all_starts_what_waits_for_another_attempt(make_fleet: MakeFleet, canaries: str, name: str) -> None:
    fleet = make_fleet(canaries=canaries, wave_size=2 if canaries else 0)
    tend_all()
    run = delay(fleet, name)

    run_all(fleet.set, by=CONSOLE)

    run.refresh_from_db()
    assert run.not_before is None


def test_a_change_leaves_the_pause_before_another_attempt(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(canaries="", wave_size=0)
    run = delay(fleet, "alpha")

    request_runs([fleet.sync("alpha").pk], trigger=Trigger.CHANGE)

    run.refresh_from_db()
    assert run.not_before is not None
