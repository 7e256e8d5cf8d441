"""Runs and plans: keys, actions and outcomes; never a value."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.resources.base import EXAMPLE_ID, Answer, Timestamp, one_of
from api.resources.syncs.schemas import track_status
from syncs.engine.plan import Change, Create, Delete, Keep, Refusal, Replace
from syncs.engine.preview import Preview
from syncs.models import SyncRun, SyncRunChange


class RunCounts(Answer):
    created: int
    replaced: int
    deleted: int
    kept: int
    failed: int
    drifted: int


class SyncRunOut(Answer):
    """`status` has the four words that Infisical's clients know, `outcome` our own."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    sync_id: UUID | None = Field(examples=[EXAMPLE_ID])
    sync_name: str = Field(examples=["my-devin-sync"])
    operation: Annotated[str, one_of("sync", "remove")]
    trigger: str = Field(examples=["api"])
    trigger_count: int = Field(examples=[1])
    requested_by: str | None = Field(examples=["alex"])
    request_id: str | None
    org_id: str = Field(examples=["org-sandbox"])
    status: Annotated[str, one_of("pending", "running", "succeeded", "failed")]
    outcome: Annotated[str, one_of("pending", "running", "succeeded", "failed", "blocked", "cancelled")]
    blocked_reason: str | None
    message: str | None
    attempt: int = Field(examples=[1])
    counts: RunCounts
    requests_sent: int
    warnings: list[str]
    queued_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None

    @classmethod
    def of(cls, run: SyncRun, **extra: Any) -> Self:
        return cls(
            id=run.id,
            sync_id=run.sync_id,
            sync_name=run.sync_name,
            operation=run.operation,
            trigger=run.trigger,
            trigger_count=run.trigger_count,
            requested_by=run.requested_by.get_username() if run.requested_by else None,
            request_id=run.request_id or None,
            org_id=run.org_id,
            status=track_status(run.status),
            outcome=run.status,
            blocked_reason=run.blocked_reason or None,
            message=run.message or None,
            attempt=run.attempt,
            counts=RunCounts(
                created=run.created_count,
                replaced=run.replaced_count,
                deleted=run.deleted_count,
                kept=run.kept_count,
                failed=run.failed_count,
                drifted=run.drifted_count,
            ),
            requests_sent=run.requests_sent,
            warnings=[str(warning) for warning in run.warnings],
            queued_at=run.queued_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            **extra,
        )


class RunChange(Answer):
    """One key of a run and what became of it."""

    action: Annotated[str, one_of("create", "replace", "delete")]
    destination_key: str = Field(examples=["PROD_DB_URL"])
    source_key: str | None = Field(examples=["DB_URL"])
    secret_id: str | None
    secret_type: str | None
    reason: str = Field(examples=["new in the source"])
    is_drift: bool
    is_stranger: bool
    outcome: Annotated[str, one_of("planned", "done", "failed", "not_attempted")]
    detail: str | None

    @classmethod
    def of(cls, change: SyncRunChange) -> Self:
        return cls(
            action=change.action,
            destination_key=change.destination_key,
            source_key=change.source_key or None,
            secret_id=change.secret_id or None,
            secret_type=change.secret_type or None,
            reason=change.reason,
            is_drift=change.is_drift,
            is_stranger=change.is_stranger,
            outcome=change.outcome,
            detail=change.detail or None,
        )


class SyncRunDetail(SyncRunOut):
    changes: list[RunChange]


class OneRun(Answer):
    sync_run: SyncRunDetail


class ManyRuns(Answer):
    sync_runs: list[SyncRunOut]
    total_count: int = Field(examples=[1])


class PlanCounts(Answer):
    create: int
    replace: int
    delete: int
    keep: int


class PlannedChange(Answer):
    """One key: what a run would do with it, and why. `refuse` is a key that is not this sync's to write."""

    action: Literal["create", "replace", "delete", "keep", "refuse"]
    destination_key: str = Field(examples=["PROD_DB_URL"])
    source_key: str | None = Field(examples=["DB_URL"])
    secret_id: str | None = Field(examples=["secret-123"])
    secret_type: str | None
    reason: str | None = Field(examples=["new in the source"])
    is_drift: bool
    is_stranger: bool

    @classmethod
    def of(cls, change: Change | Keep | Refusal) -> Self:
        return cls(
            action=ACTIONS[type(change)],
            destination_key=change.destination_key,
            source_key=getattr(change, "source_key", None),
            secret_id=change.secret_id if isinstance(change, Delete) else None,
            secret_type=getattr(change, "secret_type", None) or getattr(change, "old_type", None),
            reason=getattr(change, "reason", None),
            is_drift=getattr(change, "is_drift", False),
            is_stranger=getattr(change, "is_stranger", False),
        )


ACTIONS: dict[type, Any] = {Create: "create", Replace: "replace", Delete: "delete", Keep: "keep", Refusal: "refuse"}


class Block(Answer):
    reason: str = Field(examples=["too_many_deletions"])
    message: str


class PlanOut(Answer):
    """What a run would do now. `blocked` tells whether its guard would let it."""

    counts: PlanCounts
    changes: list[PlannedChange]
    warnings: list[str]
    blocked: Block | None
    digest: str = Field(description="Names this very plan; another plan has another one.")

    @classmethod
    def of(cls, preview: Preview) -> Self:
        plan, blocked = preview.plan, preview.blocked
        return cls(
            counts=PlanCounts(**plan.counts),
            changes=[PlannedChange.of(change) for change in (*plan.changes, *plan.keeps, *plan.refusals)],
            warnings=list(plan.warnings),
            blocked=Block(reason=blocked.reason, message=blocked.message) if blocked else None,
            digest=plan.digest,
        )


class OnePlan(Answer):
    plan: PlanOut
