"""A plan as a page shows it: the dangerous first, each with its reason. Names and counts, never a value."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from syncs.authors import Authors
from syncs.engine.authors import Found, subject_of
from syncs.engine.changes import Create, Delete, HandOver, HeldBack, Plan, Rename, Replace, told_sync
from syncs.renames import told_rename

KIND_NAMES = {"totp": "TOTP secret", "cookie": "Cookie secret"}
# More than these stand behind a "show all", and more than those are only counted.
SHOWN_AT_ONCE = 50
SHOWN_AT_MOST = 1000


# By hand, not by a template for each: there may be two thousand.
ITEM = (
    '<li class="ds-plan__item ds-plan__item--{}{}"><span class="ds-plan__mark">{}</span>'
    '<code class="ds-plan__key">{}</code><span class="ds-plan__note">{}</span></li>\n'
)


@dataclass(frozen=True)
class Item:
    action: str
    word: str
    key: str
    note: str
    is_stranger: bool = False


@dataclass(frozen=True)
class Group:
    title: str
    action: str
    items: list[Item]
    is_folded: bool = False

    @property
    def first(self) -> list[Item]:
        return [] if self.is_folded else self.items[:SHOWN_AT_ONCE]

    @property
    def rest(self) -> list[Item]:
        return self.items[:SHOWN_AT_MOST] if self.is_folded else self.items[SHOWN_AT_ONCE:SHOWN_AT_MOST]

    @property
    def first_drawn(self) -> SafeString:
        return draw(self.first)

    @property
    def rest_drawn(self) -> SafeString:
        return draw(self.rest)

    @property
    def left_out(self) -> int:
        return max(len(self.items) - SHOWN_AT_MOST, 0)


def draw(items: Iterable[Item]) -> SafeString:
    """Keys and notes are others' words and escaped; the notes of a group are mostly one."""
    marks = {True: " ds-plan__item--stranger", False: ""}
    noted = cache(escape)
    lines = (
        ITEM.format(item.action, marks[item.is_stranger], item.word, escape(item.key), noted(item.note))
        for item in items
    )
    return mark_safe("".join(lines))  # noqa: S308 - escaped above


@dataclass(frozen=True)
class ShownPlan:
    plan: Plan
    groups: list[Group]

    @property
    def counts(self) -> list[tuple[str, int]]:
        return [(word.replace("_", " "), count) for word, count in self.plan.counts.items()]

    @property
    def stranger_count(self) -> int:
        """Secrets that DevinSync did not write and that would be lost."""
        replaced = sum(change.is_stranger for change in self._overwriting)
        return len(self.plan.stranger_deletes) + replaced

    @property
    def special_count(self) -> int:
        """TOTP and cookie secrets that would be lost."""
        deleted = sum(change.secret_type in KIND_NAMES for change in self.plan.deletes)
        return deleted + sum(change.old_type in KIND_NAMES for change in self._overwriting)

    @property
    def _overwriting(self) -> list[Replace | Rename]:
        return [*self.plan.replaces, *self.plan.renames]

    @property
    def is_stuck(self) -> bool:
        """Whether there is something to write, and none of it is this sync's to write."""
        return 0 < self.plan.source_count == len(self.plan.refusals)

    @property
    def holders(self) -> list[tuple[str, int]]:
        """The syncs that hold keys which this one wants, in words, each with their number."""
        return sorted(Counter(told_sync(each.holder) for each in self.plan.refusals if each.holder).items())

    @property
    def to_take_over(self) -> list[str]:
        """Keys that a sync which has stopped holds."""
        return [refusal.destination_key for refusal in self.plan.refusals if refusal.may_take_over]

    @property
    def deletion_ids(self) -> list[str]:
        return [change.secret_id for change in self.plan.deletes]


def show(plan: Plan, authors: Authors | None = None) -> ShownPlan:
    who = partial(_who, authors)
    groups = [
        Group("Deleted from Devin", "delete", _sorted(_delete(change, who(change)) for change in plan.deletes)),
        Group("Replaced in Devin", "replace", _sorted(_replace(change, who(change)) for change in plan.replaces)),
        Group("Waiting for your decision", "ask", _sorted(_ask(change, who(change)) for change in plan.asked)),
        Group(
            "Not deleted yet",
            "wait",
            [*map(_wait, plan.waiting), *(_hold(held, who(held)) for held in plan.held_back)],
        ),
        Group("Not written", "refuse", [_refuse(refusal) for refusal in plan.refusals]),
        Group("Renamed in Devin", "rename", [_rename(change, who(change)) for change in plan.renames]),
        Group("Handed over to another sync", "hand-over", [_hand_over(change) for change in plan.hand_overs]),
        Group("Created in Devin", "create", [_create(change, who(change)) for change in plan.creates]),
        Group(
            "Kept as they are",
            "keep",
            [Item("keep", "Keep", keep.destination_key, _origin(keep)) for keep in plan.keeps],
            is_folded=True,
        ),
    ]
    return ShownPlan(plan, [group for group in groups if group.items])


def _sorted(items: Iterable[tuple[bool, Item]]) -> list[Item]:
    """TOTP and cookie secrets first, then what others wrote."""
    ordered = sorted(items, key=lambda pair: (not pair[0], not pair[1].is_stranger, pair[1].key))
    return [item for _, item in ordered]


def _who(authors: Authors | None, change: Found) -> str:
    """Who did in Devin what the change answers; "" where nobody knows, or nobody did."""
    about = subject_of(change)
    return str(authors.of(about)) if authors is not None and about else ""


def _delete(change: Delete, who: str) -> tuple[bool, Item]:
    kind = KIND_NAMES.get(change.secret_type, "")
    note = _joined(kind, change.reason, _author(is_stranger=change.is_stranger), who)
    return bool(kind), Item("delete", "Delete", change.destination_key, note, change.is_stranger)


def _replace(change: Replace, who: str) -> tuple[bool, Item]:
    kind = KIND_NAMES.get(change.old_type, "")
    drift = "drift" if change.is_drift else ""
    note = _joined(kind, change.reason, _author(is_stranger=change.is_stranger), drift, who)
    return bool(kind), Item("replace", "Replace", change.destination_key, note, change.is_stranger)


def _ask(change: Delete, who: str) -> tuple[bool, Item]:
    kind = KIND_NAMES.get(change.secret_type, "")
    note = _joined(kind, change.reason, who)
    return bool(kind), Item("keep", "Ask", change.destination_key, note, change.is_stranger)


def _hold(change: HeldBack, who: str) -> Item:
    note = _joined(change.reason, change.by.problem, _author(is_stranger=change.is_stranger), who)
    return Item("delete", "Held", change.destination_key, note, change.is_stranger)


def _wait(change: Delete) -> Item:
    return Item("delete", "Stays", change.destination_key, change.reason)


def _rename(change: Rename, who: str) -> Item:
    kind = KIND_NAMES.get(change.old_type, "")
    note = _joined(_origin(change), kind, _author(is_stranger=change.is_stranger), who)
    return Item("replace", "Rename", told_rename(change.former_keys, change.destination_key), note, change.is_stranger)


def _hand_over(change: HandOver) -> Item:
    return Item("keep", "Hand over", change.destination_key, change.reason)


def _create(change: Create, who: str) -> Item:
    note = _joined(_origin(change), change.reason, "drift" if change.is_drift else "", who)
    return Item("create", "Create", change.destination_key, note)


def _refuse(refusal: Any) -> Item:
    return Item("delete", "Refused", refusal.destination_key, refusal.reason)


def _origin(change: Any) -> str:
    return f"from {change.source_key}" if change.source_key not in ("", change.destination_key) else ""


def _author(*, is_stranger: bool) -> str:
    return "not written by DevinSync" if is_stranger else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
