"""All syncs of a set run, because a person or a script of theirs says so."""

from uuid import UUID

from django.db import transaction

from fleets.choices import State
from fleets.models import SyncSet
from syncs.access import place_of
from syncs.editing import Actor
from syncs.models import DevinSync
from syncs.runs.ask_many import ROWS, request_runs

RUN = "syncs.run_devinsync"


@transaction.atomic
def run_all(each: SyncSet, *, by: Actor) -> list[UUID]:
    """The runs, new or joined, of those that may run: not of organizations that are paused or have left."""
    by.demand(RUN, place_of(each))
    syncs = DevinSync.objects.live().filter(set_id=each.pk, member__state=State.ACTIVE)
    ids = list(syncs.order_by("pk").values_list("pk", flat=True))
    runs = []
    for start in range(0, len(ids), ROWS):
        runs += request_runs(ids[start : start + ROWS], trigger=by.trigger, user=by.user)
    by.note_changed(each, f"Asked for {len(runs)} runs")
    return runs
