"""GUARD: refuses a plan that would do surprising damage, unless a person has seen that very damage. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from syncs.engine.plan import Plan
from syncs.errors import Blocked


@dataclass(frozen=True)
class Limits:
    """A plan may delete this many, or this share (0–100 %) of what is in scope, without asking."""

    max_deletions: int = 10
    max_percent: int = 30


@dataclass(frozen=True)
class Confirmation:
    """A person's word: `secret_ids` are the deletions they saw (None: no plan); `any_deletion` lets all pass."""

    secret_ids: Collection[str] | None = None
    any_deletion: bool = False


def check(plan: Plan, *, limits: Limits, confirmation: Confirmation) -> None:
    """Raises Blocked with the counts, the limit and the way out."""
    removals = plan.removals
    if confirmation.any_deletion or not removals:
        return
    if confirmation.secret_ids is not None:
        _check_growth(plan, confirmation.secret_ids)
        return
    if plan.source_count == 0:
        raise Blocked(
            f"The source is empty, and the plan deletes {_secrets(len(removals))} from Devin. If that is what you "
            "want, review the plan and choose “Sync now, confirm deletions”.",
            reason="empty_source",
        )
    percent = 100 * len(removals) / max(plan.in_scope_count, 1)
    if len(removals) > limits.max_deletions and percent > limits.max_percent:
        raise Blocked(
            f"The plan deletes {len(removals)} of {plan.in_scope_count} secrets in scope ({percent:.0f} %); this sync "
            f"allows {limits.max_deletions} or {limits.max_percent} % without asking. Review the plan and choose "
            "“Sync now, confirm deletions”, or correct the source.",
            reason="too_many_deletions",
        )


def _check_growth(plan: Plan, confirmed: Collection[str]) -> None:
    grown = [delete for delete in plan.removals if delete.secret_id not in confirmed]
    if grown:
        raise Blocked(
            f"Since the plan was confirmed it has grown: it now deletes {_secrets(len(grown))} more. "
            "Review the plan and confirm it again.",
            reason="plan_grew",
        )


def _secrets(count: int) -> str:
    return f"{count} secret" if count == 1 else f"{count} secrets"
