"""Runs and plans: keys, actions and outcomes; never a value."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.resources.base import EXAMPLE_ID, Answer, StrictRequest, Timestamp, one_of
from api.resources.syncs.schemas import track_status
from syncs.authors import Author, Authors
from syncs.engine.authors import subject_of
from syncs.engine.changes import Change, Create, Delete, HandOver, HeldBack, Keep, Refusal, Rename, Replace
from syncs.engine.preview import Preview
from syncs.models import PlanApproval, SyncRun, SyncRunChange

SOME = "Answered where there are any."
KNOWN_AUTHOR = "Answered where somebody else did it, Devin's audit log can be read, and you may see the sync's runs."


def some(**counts: int) -> dict[str, int]:
    """Those that are not nought."""
    return {name: count for name, count in counts.items() if count}


class RunCounts(Answer):
    created: int
    replaced: int
    renamed: int = Field(0, description=SOME)
    handed_over: int = Field(0, description=SOME)
    deleted: int
    held: int = Field(0, description=f"Deletions that wait. {SOME}")
    kept: int
    failed: int
    drifted: int

    @classmethod
    def of(cls, run: SyncRun) -> Self:
        return cls(
            created=run.created_count,
            replaced=run.replaced_count,
            deleted=run.deleted_count,
            kept=run.kept_count,
            failed=run.failed_count,
            drifted=run.drifted_count,
            **some(renamed=run.renamed_count, handed_over=run.handed_over_count, held=run.held_count),
        )


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
    is_stopping: bool = Field(False, description="Cancelled while it was under way, until it has stopped.")

    @classmethod
    def of(cls, run: SyncRun, **extra: Any) -> Self:
        if run.is_stopping:
            extra["is_stopping"] = True
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
            counts=RunCounts.of(run),
            requests_sent=run.requests_sent,
            warnings=[str(warning) for warning in run.warnings],
            queued_at=run.queued_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            **extra,
        )


class AuthorOut(Answer):
    """Who changed a secret in Devin that was found changed, foreign or gone, as Devin's audit log tells it."""

    did: Annotated[str, one_of("created", "updated", "deleted")] | None
    name: str | None = Field(description="As Devin names them; null where its log does not tell.", examples=["kim"])
    at: Timestamp | None

    @classmethod
    def of(cls, author: Author) -> Self:
        return cls(did=author.did or None, name=author.name or None, at=author.when)


class RunChange(Answer):
    """One key of a run and what became of it."""

    action: Annotated[str, one_of("create", "replace", "rename", "hand_over", "delete")]
    destination_key: str = Field(examples=["PROD_DB_URL"])
    source_key: str | None = Field(examples=["DB_URL"])
    secret_id: str | None
    secret_type: str | None
    reason: str = Field(examples=["new in the source"])
    is_drift: bool
    is_stranger: bool
    outcome: Annotated[str, one_of("planned", "done", "failed", "not_attempted", "held", "held_back")]
    detail: str | None
    former_keys: list[str] = Field([], description="Of a rename: the keys until then.", examples=[["DB_URL"]])
    author: AuthorOut | None = Field(None, description=KNOWN_AUTHOR)

    @classmethod
    def of(cls, change: SyncRunChange, *, names_author: bool) -> Self:
        extra: dict[str, Any] = {"former_keys": change.former_keys} if change.former_keys else {}
        if names_author and (author := change.author):
            extra["author"] = AuthorOut.of(author)
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
            **extra,
        )


class PlanAnswer(Answer):
    """The plan that a run waits or waited with for another person's approval, or that it carries out."""

    digest: str = Field(description="Names exactly this plan; to be sent with the answer.")
    answer: Annotated[str, one_of("approved", "refused")] | None
    answered_by: str | None = Field(examples=["kim"])
    answered_at: Timestamp | None
    expires_at: Timestamp | None = Field(description="When an approval lapses, unless its run has begun by then.")

    @classmethod
    def of(cls, plan: PlanApproval) -> Self:
        return cls(
            digest=plan.digest,
            answer=plan.answer or None,
            answered_by=plan.answered_by_name or None,
            answered_at=plan.answered_at,
            expires_at=plan.expires_at,
        )


class SyncRunDetail(SyncRunOut):
    changes: list[RunChange]
    approval: PlanAnswer | None = Field(None, description="Answered where another person has to approve the plan.")


class AnswerPlan(StrictRequest):
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="`approval.digest` of the run that waits."
    )


class OneRun(Answer):
    sync_run: SyncRunDetail


class ManyRuns(Answer):
    sync_runs: list[SyncRunOut]
    total_count: int = Field(examples=[1])


Planned = Change | HeldBack | Keep | Refusal


class PlanCounts(Answer):
    create: int
    replace: int
    rename: int = Field(0, description=SOME)
    hand_over: int = Field(0, description=SOME)
    ask: int = Field(0, description=SOME)
    hold: int = Field(0, description=SOME)
    delete: int
    keep: int


class PlannedChange(Answer):
    """One key: what a run would do with it, and why.

    `refuse` is a key that is not this sync's to write, `ask` a secret that waits for a person's decision, `wait` one
    that stays until what replaces it can be written, `hold` one that another sync may want, whose source cannot be
    read now: `detail` says why.
    """

    action: Literal["create", "replace", "rename", "hand_over", "delete", "ask", "wait", "hold", "keep", "refuse"]
    destination_key: str = Field(examples=["PROD_DB_URL"])
    source_key: str | None = Field(examples=["DB_URL"])
    secret_id: str | None = Field(examples=["secret-123"])
    secret_type: str | None
    reason: str | None = Field(examples=["new in the source"])
    is_drift: bool
    is_stranger: bool
    former_keys: list[str] = Field([], description="Of a rename: the keys until now.", examples=[["DEV_DB_URL"]])
    may_take_over: bool = Field(False, description="Of a refused key: a sync that has stopped holds it.")
    detail: str | None = Field(None, description="Of a held deletion: why the other sync's source cannot be read.")
    author: AuthorOut | None = Field(None, description=KNOWN_AUTHOR)

    @classmethod
    def of(cls, change: Planned, action: Any = None, *, authors: Authors | None = None) -> Self:
        about = "" if isinstance(change, Keep | Refusal) or authors is None else subject_of(change)
        author: dict[str, Any] = {"author": AuthorOut.of(authors.of(about))} if authors is not None and about else {}
        return cls(
            action=action or ACTIONS[type(change)],
            destination_key=change.destination_key,
            source_key=getattr(change, "source_key", None),
            secret_id=getattr(change, "secret_id", None),
            secret_type=getattr(change, "secret_type", None) or getattr(change, "old_type", None),
            reason=getattr(change, "reason", None),
            is_drift=getattr(change, "is_drift", False),
            is_stranger=getattr(change, "is_stranger", False),
            **_only_of_some(change),
            **author,
        )


def _only_of_some(change: Planned) -> dict[str, Any]:
    if isinstance(change, HeldBack):
        return {"detail": change.by.problem}
    if isinstance(change, Rename):
        return {"former_keys": list(change.former_keys)}
    return {"may_take_over": True} if isinstance(change, Refusal) and change.may_take_over else {}


ACTIONS: dict[type, Any] = {
    Create: "create",
    Replace: "replace",
    Rename: "rename",
    HandOver: "hand_over",
    Delete: "delete",
    HeldBack: "hold",
    Keep: "keep",
    Refusal: "refuse",
}


class Block(Answer):
    reason: str = Field(examples=["too_many_deletions"])
    message: str


class PlanOut(Answer):
    """What a run would do now. `blocked` tells whether its guard would hold the deletions."""

    counts: PlanCounts
    changes: list[PlannedChange]
    warnings: list[str]
    blocked: Block | None
    digest: str = Field(description="Names this very plan; another plan has another one.")

    @classmethod
    def of(cls, preview: Preview) -> Self:
        plan, blocked, authors = preview.plan, preview.blocked, preview.authors
        return cls(
            counts=PlanCounts(**plan.counts),
            changes=[
                *(PlannedChange.of(change, authors=authors) for change in plan.changes),
                *(PlannedChange.of(change, "ask", authors=authors) for change in plan.asked),
                *(PlannedChange.of(change, "wait") for change in plan.waiting),
                *(PlannedChange.of(held, authors=authors) for held in plan.held_back),
                *(PlannedChange.of(keep) for keep in plan.keeps),
                *(PlannedChange.of(refusal) for refusal in plan.refusals),
            ],
            warnings=list(plan.warnings),
            blocked=Block(reason=blocked.reason, message=blocked.message) if blocked else None,
            digest=plan.digest,
        )


class OnePlan(Answer):
    plan: PlanOut
