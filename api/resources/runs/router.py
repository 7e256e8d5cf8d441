"""`/api/v1/sync-runs`: one run, with what became of each key."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import BadRequest
from api.http.idempotency import idempotent
from api.http.waiting import Wait, wait_for
from api.resources import resource
from api.resources.audit import note_changed
from api.resources.base import with_errors
from api.resources.reach import run_for
from api.resources.runs.schemas import AnswerPlan, OneRun, PlanAnswer, RunChange, SyncRunDetail
from syncs.access import VIEW_RUN, place_of_run
from syncs.choices import Trigger
from syncs.models import SyncRun
from syncs.runs import approving
from syncs.runs.cancelling import cancel
from syncs.runs.decide import confirm_deletions, trust_database
from vault.access import can

router = resource("Runs")
RUN, CONFIRM = "syncs.run_devinsync", "syncs.confirm_deletions"
APPROVE = "syncs.approve_runs"


def one(caller: Caller, run: SyncRun) -> OneRun:
    names_author = caller.may_at(VIEW_RUN, place_of_run(run))
    changes = [RunChange.of(change, names_author=names_author) for change in run.changes.all()]
    plan = approving.plan_of(run)
    extra = {"approval": PlanAnswer.of(plan)} if plan else {}
    return OneRun(sync_run=SyncRunDetail.of(run, changes=changes, **extra))


@router.get("/{run_id}", auth=Bearer("syncs.view_syncrun", by_place=True), response=with_errors(OneRun))
def get_sync_run(request: HttpRequest, run_id: UUID) -> OneRun:
    """A run with its changes: key, action and outcome, never a value."""
    caller = caller_of(request)
    return one(caller, run_for(caller, run_id))


@router.post("/{run_id}/cancel", auth=Bearer("syncs.run_devinsync", by_place=True), response=with_errors(OneRun))
def cancel_sync_run(request: HttpRequest, run_id: UUID, wait: Wait) -> OneRun:
    """Cancels a run. One that is under way stops before its next write (`isStopping` until then); its message says
    what is done and what is left to the next run."""
    caller = caller_of(request)
    run = run_for(caller, run_id, RUN)
    if cancel(run.pk, by=f"{caller.user.get_username()} through the API") is None:
        raise BadRequest("This run has ended already, so it cannot be cancelled.")
    note_changed(caller, run, detail="Cancelled")
    return one(caller, (wait and wait_for(run.pk, wait)) or run_for(caller, run_id, RUN))


@router.post(
    "/{run_id}/confirm",
    auth=Bearer("syncs.run_devinsync", "syncs.confirm_deletions", by_place=True),
    response=with_errors(OneRun, 409),
)
@idempotent
def confirm_sync_run(request: HttpRequest, run_id: UUID, wait: Wait) -> OneRun:
    """Queues a run that may delete exactly what this blocked one would have deleted. Answers that run."""
    caller = caller_of(request)
    return decided(caller, run_for(caller, run_id, RUN, CONFIRM), confirm_deletions, "Confirmed the deletions", wait)


@router.post(
    "/{run_id}/trust-database",
    auth=Bearer("syncs.run_devinsync", "syncs.confirm_deletions", by_place=True),
    response=with_errors(OneRun, 409),
)
@idempotent
def trust_database_of_sync_run(request: HttpRequest, run_id: UUID, wait: Wait) -> OneRun:
    """For a run that is blocked because this database is older than Devin (`rollback`): queues one that takes the
    database for right. Answers that run."""
    caller = caller_of(request)
    return decided(caller, run_for(caller, run_id, RUN, CONFIRM), trust_database, "Trusted this database", wait)


@router.post(
    "/{run_id}/approve",
    auth=Bearer(APPROVE, by_place=True),
    response=with_errors(OneRun, 409),
)
@idempotent
def approve_sync_run(request: HttpRequest, run_id: UUID, body: AnswerPlan, wait: Wait) -> OneRun:
    """For a run that waits for another person's approval (`approval`): approves the plan of that digest, and queues the
    run that carries out exactly this. Refused where the token's owner asked for it, or made the change. Where the
    caller may confirm deletions, they are. Answers that run."""
    caller = caller_of(request)
    run = run_for(caller, run_id, APPROVE)
    with transaction.atomic():
        confirms = caller.allows(CONFIRM) and can(caller.user, CONFIRM, place_of_run(run))
        follows = approving.approve(run, body.digest, user=caller.user, confirms=confirms)
        note_changed(caller, run, detail=f"Approved the plan {body.digest[:12]}")
    return one(caller, (wait and wait_for(follows.pk, wait)) or follows)


@router.post("/{run_id}/refuse", auth=Bearer(APPROVE, by_place=True), response=with_errors(OneRun, 409))
@idempotent
def refuse_sync_run(request: HttpRequest, run_id: UUID, body: AnswerPlan) -> OneRun:
    """Refuses the plan of that digest: it is not asked about again until it changes or somebody syncs by hand."""
    caller = caller_of(request)
    run = run_for(caller, run_id, APPROVE)
    with transaction.atomic():
        refused = approving.refuse(run, body.digest, user=caller.user)
        note_changed(caller, run, detail=f"Refused the plan {body.digest[:12]}")
    return one(caller, refused)


def decided(caller: Caller, run: SyncRun, decide: Callable[..., SyncRun], detail: str, wait: float) -> OneRun:
    with transaction.atomic():
        note_changed(caller, run, detail=detail)
        follows = decide(run, trigger=Trigger.API, user=caller.user)
    return one(caller, (wait and wait_for(follows.pk, wait)) or follows)
