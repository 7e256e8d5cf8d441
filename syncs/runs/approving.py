"""Another person approves or refuses the plan that a blocked run waits with. Whether they may is the caller's question;
that it is not their own plan, and the very one that waits now, is asked here."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from common import clock
from syncs.choices import Answer, BlockedReason, Operation, Status, Trigger
from syncs.engine.approval import DOES, Line
from syncs.engine.changes import Delete
from syncs.errors import NotRunnable
from syncs.models import PlanApproval, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.awaiting import refused_message
from syncs.runs.tracks import lock_sync, show_ended
from syncs.runs.wishes import Wishes

OWN = "This plan is your own: you asked for it, or made a change that it carries. Ask somebody else to approve it."


def is_waiting(run: SyncRun) -> bool:
    return run.status == Status.BLOCKED and run.blocked_reason == BlockedReason.APPROVAL


def plan_of(run: SyncRun) -> PlanApproval | None:
    """The plan that it waited with, or the one that it carries out; None where it needed no approval."""
    key = run.approved_run_id if not run.blocked_reason and run.approved_run_id else run.pk
    return PlanApproval.objects.filter(pk=key).first()


def newest(run: SyncRun) -> SyncRun | None:
    """The run of the same kind that was asked for last; cancelled ones do not count."""
    runs = SyncRun.objects.filter(sync_id=run.sync_id, operation=run.operation).exclude(status=Status.CANCELLED)
    return runs.order_by("-queued_at").first() if run.sync_id else None


def is_own(plan: PlanApproval, user: Any) -> bool:
    return user.pk in plan.not_by


@transaction.atomic
def approve(run: SyncRun, digest: str, *, user: AbstractBaseUser, confirms: bool) -> SyncRun:
    """The run that carries out what waits, if it is the plan of that digest. With `confirms`, the deletions of the plan
    count as confirmed. Raises NotRunnable."""
    plan = _open_question(run, digest, user)
    waiting = plan.run
    assert waiting.sync is not None  # noqa: S101 - it is the newest run of a sync
    _answer(plan, Answer.APPROVED, user)
    wishes = replace(Wishes.of(waiting), approved_run_id=waiting.pk)
    if waiting.operation == Operation.REMOVE:
        wishes = replace(wishes, connection_id=waiting.connection_id, org_id=waiting.org_id)
    elif confirms:
        wishes = replace(wishes, confirmed_deletions=_deletions(waiting, plan))
    # Whoever approves does not thereby become the one whose plan it is, should another one be made of it.
    return request_run(
        waiting.sync,
        trigger=Trigger.APPROVAL,
        operation=Operation(waiting.operation),
        user=waiting.requested_by,
        wishes=wishes,
    )


def _deletions(waiting: SyncRun, plan: PlanApproval) -> list[str]:
    lines = [Line.kept(row) for row in plan.lines]
    planned = [secret_id for line in lines if line.does == DOES[Delete] for secret_id in line.ids]
    return sorted({*planned, *(waiting.confirmed_deletions or ())})


@transaction.atomic
def refuse(run: SyncRun, digest: str, *, user: AbstractBaseUser) -> SyncRun:
    """The run that waited, which goes on no more. Raises NotRunnable."""
    plan = _open_question(run, digest, user, may_be_own=True)
    _answer(plan, Answer.REFUSED, user)
    waiting = plan.run
    waiting.blocked_reason, waiting.message = BlockedReason.REFUSED, refused_message(plan)[:1024]
    waiting.save(update_fields=["blocked_reason", "message"])
    if waiting.sync is not None:
        show_ended(waiting.sync, waiting, needs_person=True)
    return waiting


def _open_question(run: SyncRun, digest: str, user: AbstractBaseUser, *, may_be_own: bool = False) -> PlanApproval:
    """What waits for a word now, locked. It may stand with a later run, as long as it is the same plan."""
    lock_sync(pk=run.sync_id)
    last = newest(run)
    if last is None or not is_waiting(last):
        raise NotRunnable(f"Nothing waits for approval here any more. {_since(run, last)}".strip())
    plan = (
        PlanApproval.objects.select_related("run__sync", "run__requested_by")
        .select_for_update(of=("self",))
        .filter(pk=last.pk, answer="")
        .first()
    )
    if plan is None or plan.digest != digest:
        raise NotRunnable("The plan has changed since you looked at it. Look at the one that waits now.")
    if is_own(plan, user) and not may_be_own:
        raise NotRunnable(OWN)
    return plan


def _since(run: SyncRun, last: SyncRun | None) -> str:
    if last is None:
        return "The sync has been deleted."
    is_same = last.pk == run.pk
    return "" if is_same else f"A later run has been started: {last.get_status_display().lower()}."


def _answer(plan: PlanApproval, answer: Answer, user: AbstractBaseUser) -> None:
    now = clock.now()
    plan.answer, plan.answered_at, plan.answered_by_id = answer, now, user.pk
    plan.answered_by_name = user.get_username()[:200]
    if answer == Answer.APPROVED:
        plan.expires_at = now + settings.APPROVAL_LASTS
    plan.save(update_fields=["answer", "answered_at", "answered_by", "answered_by_name", "expires_at"])
