"""A run ends blocked because its plan needs another person: what they are to approve is kept, and whose plan it is."""

from collections.abc import Collection
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from syncs.choices import Answer, BlockedReason, Status
from syncs.errors import AwaitsApproval, Blocked
from syncs.models import DevinSync, PlanApproval, SourceAuthor, SyncRun
from syncs.places import authors_of
from syncs.runs.ask import ASKED_FOR


def wait(run: SyncRun, awaits: AwaitsApproval) -> Blocked:
    """Keeps the plan with its run; with what reason and message the run ends. In the transaction of that end.

    A plan that was refused is not asked about again by itself, only where a person asks for the run.
    """
    before = latest_plan(run)
    plan = PlanApproval(
        run=run,
        digest=awaits.plan.digest,
        place=awaits.plan.place,
        lines=list(awaits.plan.lines),
        not_by=sorted(_whose(run, awaits.plan.sources)),
    )
    if before and before.answer == Answer.REFUSED and before.digest == plan.digest and run.trigger not in ASKED_FOR:
        plan.answer, plan.answered_at = before.answer, before.answered_at
        plan.answered_by_id, plan.answered_by_name = before.answered_by_id, before.answered_by_name
    plan.save(force_insert=True)
    return Blocked(refused_message(plan), reason=BlockedReason.REFUSED) if plan.answer else awaits


def latest_plan(run: SyncRun) -> PlanApproval | None:
    """Of the runs of the same kind before this one."""
    earlier = PlanApproval.objects.filter(run__sync=run.sync_id, run__operation=run.operation).exclude(run=run.pk)
    return earlier.order_by("-run__queued_at").first()


def refused_message(plan: PlanApproval) -> str:
    return (
        f"{plan.answered_by_name} refused exactly this plan, so nothing was written. Change the source or the sync, "
        "or sync by hand to ask once more."
    )


def _whose(run: SyncRun, sources: Collection[str]) -> set[int]:
    """Who asked for this run, or for one since the last that succeeded, and who made the changes that it carries."""
    sync, found = run.sync, set(run.askers or ())
    if sync is None:
        return found
    since = _in_step_since(run)
    runs = SyncRun.objects.filter(sync=sync, operation=run.operation)
    for askers in (runs.filter(queued_at__gte=since) if since else runs).values_list("askers", flat=True):
        found.update(askers or ())
    return found | _editors(sync, since) | _noted(sync, since) | authors_of(sync, sources, since)


def _noted(sync: DevinSync, since: datetime | None) -> set[int]:
    """Who changed what it reads while it asked for another person; `authors_of` knows some of those before."""
    rows = SourceAuthor.objects.filter(sync=sync, **({"at__gte": since} if since else {}))
    return set(rows.values_list("user_id", flat=True))


def _in_step_since(run: SyncRun) -> datetime | None:
    """When the last run began that succeeded; None for never, as far as is known."""
    done = SyncRun.objects.filter(sync=run.sync_id, operation=run.operation, status=Status.SUCCEEDED)
    return done.order_by("-queued_at").values_list("started_at", flat=True).first()


def _editors(sync: DevinSync, since: datetime | None) -> set[int]:
    kind = ContentType.objects.get_for_model(DevinSync, for_concrete_model=False)
    rows = LogEntry.objects.filter(content_type=kind, object_id=str(sync.pk))
    return set((rows.filter(action_time__gte=since) if since else rows).values_list("user_id", flat=True))
