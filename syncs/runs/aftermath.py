"""What a process left behind that ended in the middle of runs: its leases end too, and its runs are rung for."""

import logging
from uuid import UUID

from django.db.models.functions import Now

from common.prefixes import starts_with
from common.processes import is_dead
from syncs.engine.lease import ENDED
from syncs.models import Destination, SyncRun
from syncs.runs.queue import ring

log = logging.getLogger(__name__)

SUFFIX = 17  # a hyphen and what tells the leases of one process apart


def end_leases_of(who: str) -> list[UUID]:
    """The runs of the process of that identity, which surely has ended: each may be taken up at once."""
    rows = Destination.objects.filter(starts_with("lease_holder", f"{who}-"))
    run_ids = [run_id for run_id in rows.values_list("lease_run_id", flat=True) if run_id]
    if run_ids:
        rows.update(lease_holder=ENDED, lease_expires_at=Now())
        log.warning("a worker's process ended in the middle of %s runs; they are taken up again", len(run_ids))
    return run_ids


def ring_for_the_dead() -> None:
    """At a worker's start: ends the leases of processes of this machine that are gone, and rings for their runs.

    So that a machine that was switched off, or two Ctrl-C, cost no more than the restart.
    """
    holders = Destination.objects.filter(lease_expires_at__gt=Now()).exclude(lease_holder="")
    names = holders.values_list("lease_holder", flat=True)
    for who in {holder[:-SUFFIX] for holder in names if is_dead(holder[:-SUFFIX])}:
        ring_all(end_leases_of(who))


def ring_all(run_ids: list[UUID]) -> None:
    projects = dict(SyncRun.objects.filter(pk__in=run_ids).values_list("pk", "sync__project_id"))
    for run_id in run_ids:
        if not ring(run_id, projects.get(run_id)):
            # The scheduler does, once the queue is back.
            SyncRun.objects.filter(pk=run_id).update(rung_at=None)
