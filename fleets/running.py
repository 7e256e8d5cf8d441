"""All syncs of a set run, because a person or a script of theirs says so."""

from uuid import UUID

from django.db import transaction

from fleets.choices import State
from fleets.models import SyncSet
from fleets.waves import conductor
from syncs.access import place_of
from syncs.editing import Actor
from syncs.models import DevinSync
from syncs.runs.ask_many import ROWS, request_runs

RUN = "syncs.run_devinsync"


@transaction.atomic
def run_all(each: SyncSet, *, by: Actor) -> list[UUID]:
    """The runs, new or joined, of those that may run: not of organizations that are paused or have left.

    A set that goes in waves begins a rollout, of which these are the runs of the first wave.
    """
    by.demand(RUN, place_of(each))
    if each.goes_in_waves:
        return _roll_out(each, by)
    syncs = DevinSync.objects.live().filter(set_id=each.pk, member__state=State.ACTIVE)
    ids = list(syncs.order_by("pk").values_list("pk", flat=True))
    runs = []
    for start in range(0, len(ids), ROWS):
        runs += request_runs(ids[start : start + ROWS], trigger=by.trigger, user=by.user)
    by.note_changed(each, f"Asked for {len(runs)} runs")
    return runs


def _roll_out(each: SyncSet, by: Actor) -> list[UUID]:
    may_run = DevinSync.objects.live().filter(set_id=each.pk)
    members = list(each.members.filter(state=State.ACTIVE, sync__in=may_run))
    if not members:
        return []
    rollout = conductor.begin(each, members, user=by.user)
    by.note_changed(each, f"Asked for a rollout to {len(members)} organizations")
    steps = rollout.steps.exclude(run_id=None).order_by("pk")
    return [run_id for run_id in steps.values_list("run_id", flat=True) if run_id]
