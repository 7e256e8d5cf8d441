"""`/api/v1/sync-runs`: one run, with what became of each key."""

from uuid import UUID

from django.http import HttpRequest

from api.auth.callers import Bearer, caller_of
from api.http.errors import BadRequest
from api.resources import resource
from api.resources.audit import note_changed
from api.resources.base import with_errors
from api.resources.lookups import get_run
from api.resources.runs.schemas import OneRun, RunChange, SyncRunDetail
from syncs.models import SyncRun
from syncs.runs.end import cancel

router = resource("Runs")


def one(run: SyncRun) -> OneRun:
    return OneRun(sync_run=SyncRunDetail.of(run, changes=[RunChange.of(change) for change in run.changes.all()]))


@router.get("/{run_id}", auth=Bearer("syncs.view_syncrun"), response=with_errors(OneRun))
def get_sync_run(request: HttpRequest, run_id: UUID) -> OneRun:
    """A run with its changes: key, action and outcome, never a value."""
    return one(get_run(run_id))


@router.post("/{run_id}/cancel", auth=Bearer("syncs.run_devinsync"), response=with_errors(OneRun))
def cancel_sync_run(request: HttpRequest, run_id: UUID) -> OneRun:
    """Cancels a run that has not started."""
    run, caller = get_run(run_id), caller_of(request)
    if not cancel(run.pk, f"Cancelled by {caller.user.get_username()} through the API."):
        raise BadRequest("This run has started already, so it cannot be cancelled.")
    note_changed(caller, run, detail="Cancelled")
    return one(get_run(run_id))
