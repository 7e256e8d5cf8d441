"""GUARD: holds the deletions of a plan that would do surprising damage, until a person has seen that very damage. Pure.

It never holds a write: what the source has anew reaches Devin whatever becomes of the deletions.
"""

from collections.abc import Collection
from dataclasses import dataclass

from syncs.choices import BlockedReason
from syncs.engine.changes import Delete, Plan
from syncs.errors import Blocked


@dataclass(frozen=True)
class Limits:
    """A plan may delete this many, and this share (0–100 %) of what is in scope; the share counts from a number on."""

    max_deletions: int = 25
    max_percent: int = 30
    min_deletions: int = 3


@dataclass(frozen=True)
class Confirmation:
    """A person's word: `secret_ids` are the deletions they saw (None: no plan); `any_deletion` lets all pass."""

    secret_ids: Collection[str] | None = None
    any_deletion: bool = False


@dataclass(frozen=True)
class Hold:
    """The deletions that wait for a person, and why."""

    deletes: tuple[Delete, ...]
    blocked: Blocked


def judge(plan: Plan, *, limits: Limits, confirmation: Confirmation) -> Hold | None:
    """What is held, with the counts, the limit and the way out; None lets the whole plan pass."""
    removals, held_back = plan.removals, len(plan.removals_held_back)
    if confirmation.any_deletion or not removals:
        return None
    if confirmation.secret_ids is not None:
        return _judge_growth(removals, confirmation.secret_ids)
    if plan.source_count == 0:
        return Hold(removals, _empty(len(removals), left_out=plan.left_out_count))
    # What waits for another sync's source would else go in two halves where the whole is too much.
    count = len(removals) + held_back
    share = 100 * count / max(plan.in_scope_count, 1)
    is_large_share = share > limits.max_percent and count >= limits.min_deletions
    if count > limits.max_deletions or is_large_share:
        return Hold(removals, _too_many(count, plan.in_scope_count, limits, held_back=held_back))
    return None


def check(plan: Plan, *, limits: Limits, confirmation: Confirmation) -> None:
    """Raises Blocked where deletions would be held."""
    hold = judge(plan, limits=limits, confirmation=confirmation)
    if hold is not None:
        raise hold.blocked


def _judge_growth(removals: tuple[Delete, ...], confirmed: Collection[str]) -> Hold | None:
    """What was confirmed passes; what came since waits."""
    seen = frozenset(confirmed)
    grown = tuple(delete for delete in removals if delete.secret_id not in seen)
    if not grown:
        return None
    message = (
        f"Since the plan was confirmed it has grown: it now deletes {_secrets(len(grown))} more. "
        "Review the plan and confirm it again."
    )
    return Hold(grown, Blocked(message, reason=BlockedReason.PLAN_GREW))


def _empty(count: int, *, left_out: int) -> Blocked:
    why = (
        f"None of the source's {_secrets(left_out)} is chosen by its key and tags"
        if left_out
        else "The source is empty"
    )
    return Blocked(
        f"{why}, and the plan deletes {_secrets(count)} from Devin. If that is what you "
        "want, review the plan and choose “Sync now, confirm deletions”.",
        reason=BlockedReason.EMPTY_SOURCE,
    )


def _too_many(count: int, in_scope: int, limits: Limits, *, held_back: int) -> Blocked:
    share = f"{100 * count / max(in_scope, 1):.0f} %"
    later = f", {held_back} of them once another sync's source can be read" if held_back else ""
    allowed = f"{limits.max_deletions}, or from {limits.min_deletions} on {limits.max_percent} %,"
    return Blocked(
        f"The plan deletes {count} of {in_scope} secrets in scope ({share}){later}; this sync may delete {allowed} "
        "without asking. Review the plan and choose “Sync now, confirm deletions”, or correct the source.",
        reason=BlockedReason.TOO_MANY_DELETIONS,
    )


def _secrets(count: int) -> str:
    return f"{count} secret" if count == 1 else f"{count} secrets"
