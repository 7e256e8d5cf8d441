"""GUARD: which plans pass, which wait for a person, and what a person's word is worth."""

import pytest

from syncs.engine.changes import Create, Delete, Plan, Replace
from syncs.engine.guard import Confirmation, Limits, check, judge
from syncs.errors import Blocked

UNASKED = Confirmation()


def plan(deletes: int, *, of: int, source: int = 1, duplicates: int = 0) -> Plan:
    """A plan that deletes some of so many secrets in scope."""
    rows = [Delete(f"K{n}", f"id-{n}", "key-value", "not in the source") for n in range(deletes)]
    rows += [Delete(f"D{n}", f"d-{n}", "key-value", "another", is_duplicate=True) for n in range(duplicates)]
    return Plan(deletes=tuple(rows), in_scope_count=of, source_count=source)


def verdict(one: Plan, confirmation: Confirmation = UNASKED, limits: Limits | None = None) -> str:
    """The reason for which it is blocked, or "passes"."""
    try:
        check(one, limits=limits or Limits(), confirmation=confirmation)
    except Blocked as blocked:
        return blocked.reason
    return "passes"


@pytest.mark.parametrize(
    ("deletes", "of", "expected"),
    [
        pytest.param(0, 0, "passes", id="nothing to delete"),
        pytest.param(1, 1, "passes", id="few, though all of them"),
        pytest.param(2, 2, "passes", id="fewer than three, though all of them"),
        pytest.param(3, 3, "too_many_deletions", id="three, all of them"),
        pytest.param(9, 10, "too_many_deletions", id="few, but most of them"),
        pytest.param(3, 10, "passes", id="at the share"),
        pytest.param(4, 10, "too_many_deletions", id="past the share"),
        pytest.param(11, 36, "too_many_deletions", id="30.6 percent is past 30"),
        pytest.param(25, 1000, "passes", id="at the number"),
        pytest.param(26, 1000, "too_many_deletions", id="past the number, a small share"),
        pytest.param(60, 200, "too_many_deletions", id="past the number, at the share"),
    ],
)
def test_holds_past_the_number_and_past_the_share(deletes: int, of: int, expected: str) -> None:
    assert verdict(plan(deletes, of=of)) == expected


@pytest.mark.parametrize(
    ("limits", "deletes", "of", "expected"),
    [
        (Limits(0, 0), 1, 100, "too_many_deletions"),
        (Limits(100, 100), 100, 100, "passes"),
        (Limits(100, 50), 3, 6, "passes"),
        (Limits(100, 50), 4, 6, "too_many_deletions"),
        (Limits(100, 50, 5), 4, 6, "passes"),
        (Limits(2, 100), 3, 6, "too_many_deletions"),
        (Limits(100, 0, 1), 1, 100, "too_many_deletions"),
        (Limits(100, 60, 1), 1, 1, "too_many_deletions"),
    ],
)
def test_each_sync_has_limits_of_its_own(limits: Limits, deletes: int, of: int, expected: str) -> None:
    assert verdict(plan(deletes, of=of), limits=limits) == expected


def test_an_empty_source_may_not_delete_even_one() -> None:
    assert verdict(plan(1, of=100, source=0)) == "empty_source"
    assert verdict(plan(0, of=100, source=0)) == "passes"


def test_creates_and_replaces_need_no_word() -> None:
    one = Plan(
        creates=tuple(Create(f"C{n}", f"C{n}", "new") for n in range(50)),
        replaces=tuple(Replace(f"R{n}", f"R{n}", (f"id-{n}",), "key-value", "changed") for n in range(50)),
        in_scope_count=50,
        source_count=100,
    )

    assert verdict(one) == "passes"


def test_a_duplicates_deletion_takes_no_key_away() -> None:
    assert verdict(plan(0, of=100, duplicates=100)) == "passes"


def test_a_general_word_lets_all_pass() -> None:
    assert verdict(plan(100, of=100, source=0), Confirmation(any_deletion=True)) == "passes"


def test_a_word_on_a_plan_lets_exactly_that_plan_pass() -> None:
    confirmed = Confirmation([f"id-{n}" for n in range(20)])

    assert verdict(plan(20, of=20, source=0), confirmed) == "passes"
    assert verdict(plan(19, of=19, source=0), confirmed) == "passes"
    assert verdict(plan(21, of=21), confirmed) == "plan_grew"


def test_a_word_on_a_plan_without_deletions_allows_none() -> None:
    assert verdict(plan(1, of=100), Confirmation([])) == "plan_grew"


@pytest.mark.parametrize(
    ("one", "confirmation", "held"),
    [
        pytest.param(plan(3, of=3, duplicates=1), UNASKED, ["id-0", "id-1", "id-2"], id="too many"),
        pytest.param(plan(2, of=9, source=0, duplicates=1), UNASKED, ["id-0", "id-1"], id="an empty source"),
        pytest.param(plan(3, of=9), Confirmation(["id-1"]), ["id-0", "id-2"], id="those that came since"),
    ],
)
def test_holds_the_very_deletions_that_a_person_must_see(
    one: Plan, confirmation: Confirmation, held: list[str]
) -> None:
    hold = judge(one, limits=Limits(), confirmation=confirmation)

    assert hold is not None
    assert [delete.secret_id for delete in hold.deletes] == held


def test_says_the_counts_the_limit_and_the_way_out() -> None:
    with pytest.raises(Blocked) as raised:
        check(plan(12, of=20), limits=Limits(), confirmation=UNASKED)

    assert raised.value.message == (
        "The plan deletes 12 of 20 secrets in scope (60 %); this sync may delete 25, or from 3 on 30 %, without "
        "asking. Review the plan and choose “Sync now, confirm deletions”, or correct the source."
    )


@pytest.mark.parametrize(
    ("one", "confirmation", "sentence"),
    [
        (
            plan(1, of=1, source=0),
            UNASKED,
            "The source is empty, and the plan deletes 1 secret from Devin. If that is what you want, review the plan "
            "and choose “Sync now, confirm deletions”.",
        ),
        (plan(2, of=2, source=0), UNASKED, "The source is empty, and the plan deletes 2 secrets from Devin."),
        (plan(3, of=9), Confirmation(["id-0"]), "it now deletes 2 secrets more. Review the plan and confirm it again."),
    ],
)
def test_counts_in_words(one: Plan, confirmation: Confirmation, sentence: str) -> None:
    with pytest.raises(Blocked) as raised:
        check(one, limits=Limits(), confirmation=confirmation)

    assert sentence in raised.value.message


def test_the_share_of_a_single_secret_is_all() -> None:
    with pytest.raises(Blocked, match=r"The plan deletes 1 of 1 secrets in scope \(100 %\)"):
        check(plan(1, of=1), limits=Limits(max_deletions=0), confirmation=UNASKED)
