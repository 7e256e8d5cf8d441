"""What a plan says of each change: everything that a run's history, a preview and the writer of it go by."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from connections.devin.types import RemoteSecret
from syncs.choices import Decision, Strangers
from syncs.engine.changes import (
    Create,
    Delete,
    DesiredSecret,
    HandOver,
    Keep,
    Known,
    Options,
    Others,
    Plan,
    Refusal,
    Rename,
    Replace,
    Wanter,
)
from syncs.engine.plan import build_plan, build_removal
from tests.syncs.engine.test_plan import there, wrote

THEIRS = UUID(int=7)
WANTED = Others(wanters={"P_A": Wanter(THEIRS, "theirs", "THEIR_A")})


def want(*sources: str, value: str = "1") -> list[DesiredSecret]:
    """What a source has, under keys that begin with P_."""
    return [DesiredSecret(f"P_{source}", source, f"print of {value}") for source in sources]


def ours(source: str, **fields: Any) -> Known:
    """The ledger's row of what this sync wrote of a source's key."""
    return wrote(f"P_{source}", **{"source_key": source, "fingerprint": "print of 1"} | fields)


def plan_of(
    desired: Sequence[DesiredSecret],
    existing: Sequence[RemoteSecret] = (),
    ledger: Sequence[Known] = (),
    *,
    others: Others | None = None,
    **options: Any,
) -> Plan:
    matching = Options(matches=lambda key: key.startswith("P_"), **options)
    return build_plan(desired, existing, ledger, options=matching, others=others)


# Writes


def test_a_create_says_that_the_source_has_it_anew() -> None:
    plan = plan_of(want("A"))

    assert plan == Plan(creates=(Create("P_A", "A", "new in the source"),), source_count=1)


def test_a_create_of_a_key_that_is_known_with_another_value_is_new() -> None:
    plan = plan_of(want("A", value="2"), [], [ours("A")])

    assert plan.creates == (Create("P_A", "A", "new in the source"),)


def test_a_key_that_an_earlier_attempt_took_away_is_replaced() -> None:
    plan = plan_of(want("A"), [], [ours("A")], taken_away=["P_A"])

    reason = "an earlier attempt ended after deleting the old one"
    assert plan == Plan(replaces=(Replace("P_A", "A", (), "key-value", reason),), source_count=1)


def test_a_key_that_was_taken_away_and_is_back_is_kept() -> None:
    plan = plan_of(want("A"), [there("P_A")], [ours("A")], taken_away=["P_A"])

    assert plan == Plan(keeps=(Keep("P_A", "A"),), in_scope_count=1, source_count=1)


@pytest.mark.parametrize(
    ("desired", "ledger", "options", "reason", "is_stranger"),
    [
        pytest.param(want("A"), [], {}, "DevinSync does not know its value", True, id="not ours"),
        pytest.param(
            want("A"), [ours("A", fingerprint="")], {}, "DevinSync does not know its value", False, id="adopted"
        ),
        pytest.param(
            want("A", value="2"), [ours("A")], {}, "its value changed in the source", False, id="changed in the source"
        ),
        pytest.param(
            want("A"),
            [ours("A")],
            {"repush_all": True},
            "all secrets are written again on request",
            False,
            id="on request",
        ),
    ],
)
def test_a_replace_that_is_no_drift(
    desired: list[DesiredSecret], ledger: list[Known], options: dict[str, Any], reason: str, is_stranger: bool
) -> None:
    plan = plan_of(desired, [there("P_A")], ledger, **options)

    replaced = Replace("P_A", "A", ("id-P_A",), "key-value", reason, is_stranger=is_stranger)
    assert plan == Plan(replaces=(replaced,), in_scope_count=1, source_count=1)


def test_a_note_that_is_none_is_an_empty_one() -> None:
    assert plan_of(want("A"), [there("P_A", note=None)], [ours("A", note="")]).is_empty


# Refusals


def test_a_refusal_says_which_sync_has_the_key() -> None:
    plan = plan_of(want("A"), others=Others({"P_A": "theirs"}))

    reason = "the sync “theirs” manages this key in the same organization"
    assert plan == Plan(refusals=(Refusal("P_A", "A", reason, holder="theirs"),), source_count=1)


def test_a_refusal_says_that_a_stopped_syncs_key_may_be_taken_over() -> None:
    others = Others({"P_A": "theirs", "P_B": "theirs"}, stopped={"P_A": "it is disabled"})

    stopped, running = plan_of(want("A", "B"), others=others).refusals

    reason = (
        "the sync “theirs” manages this key in the same organization, but it is disabled: take the key over, or mend "
        "that sync"
    )
    assert stopped == Refusal("P_A", "A", reason, holder="theirs", may_take_over=True)
    assert not running.may_take_over


def test_a_refusal_names_the_kind_that_is_not_known() -> None:
    plan = plan_of(want("A"), [there("P_A"), there("P_A", "odd", secret_type="passkey")])

    reason = "in Devin it is a secret of a kind that DevinSync does not know (passkey), and leaves alone"
    assert plan.refusals == (Refusal("P_A", "A", reason),)


# Deletions


def test_the_others_of_a_kept_key_go_as_duplicates() -> None:
    plan = plan_of(want("A"), [there("P_A", "b", secret_type="totp"), there("P_A"), there("P_A", "a")], [ours("A")])

    reason = "another secret of the same key"
    assert plan.keeps == (Keep("P_A", "A"),)
    assert plan.deletes == (
        Delete("P_A", "a", "key-value", reason, is_stranger=True, is_duplicate=True),
        Delete("P_A", "b", "totp", reason, is_stranger=True, is_duplicate=True),
    )


def test_deletions_say_whose_they_are() -> None:
    plan = plan_of([], [there("P_B", secret_type="cookie"), there("P_A")], [ours("A")])

    assert plan == Plan(
        deletes=(
            Delete("P_A", "id-P_A", "key-value", "not in the source"),
            Delete("P_B", "id-P_B", "cookie", "not in the source", is_stranger=True),
        ),
        in_scope_count=2,
    )


@pytest.mark.parametrize("policy", [Strangers.ASK, Strangers.DELETE])
def test_a_person_said_to_delete_it(policy: Strangers) -> None:
    plan = plan_of([], [there("P_A")], strangers=policy, decisions={"id-P_A": Decision.DELETE})

    reason = "not in the source, and a person said to delete it"
    decided = Delete("P_A", "id-P_A", "key-value", reason, is_stranger=True, is_decided=True)
    assert plan == Plan(deletes=(decided,), in_scope_count=1)


def test_a_person_is_asked_of_strangers_by_key() -> None:
    plan = plan_of([], [there("P_B", secret_type="totp"), there("P_A")], strangers=Strangers.ASK)

    reason = "not in the source, and not written by DevinSync"
    asked = (
        Delete("P_A", "id-P_A", "key-value", reason, is_stranger=True),
        Delete("P_B", "id-P_B", "totp", reason, is_stranger=True),
    )
    assert plan == Plan(asked=asked, in_scope_count=2)


def test_with_disabled_deletion_nobody_is_asked() -> None:
    assert plan_of([], [there("P_A")], strangers=Strangers.ASK, disable_deletion=True).asked == ()


# Hand-overs


def test_a_hand_over_says_who_wants_it() -> None:
    plan = plan_of([], [there("P_A", secret_type="totp")], [ours("A")], others=WANTED)

    reason = "not in this source, and the sync “theirs” wants it"
    handed = HandOver("P_A", "id-P_A", "totp", THEIRS, reason, "THEIR_A")
    assert plan == Plan(hand_overs=(handed,), in_scope_count=1)


def test_hand_overs_go_by_key() -> None:
    others = Others(wanters={key: Wanter(THEIRS, "theirs", key) for key in ("P_B", "P_A")})

    plan = plan_of([], [there("P_B"), there("P_A")], [ours("A"), ours("B")], others=others)

    assert [change.destination_key for change in plan.hand_overs] == ["P_A", "P_B"]


# Renames


def test_a_rename_writes_the_new_key_and_then_removes_the_former_ones() -> None:
    destination = [there("OLD_A"), there("ANCIENT_A")]
    ledger = [wrote("OLD_A", source_key="A"), wrote("ANCIENT_A", source_key="A")]

    plan = plan_of(want("A"), destination, ledger)

    renamed = Rename("P_A", "A", ("ANCIENT_A", "OLD_A"), ("id-OLD_A", "id-ANCIENT_A"), "until now ANCIENT_A, OLD_A")
    assert plan == Plan(renames=(renamed,), in_scope_count=2, source_count=1)


def test_a_rename_makes_room_as_the_replace_would_have() -> None:
    destination = [there("OLD_A"), there("P_A", secret_type="totp")]

    plan = plan_of(want("A"), destination, [wrote("OLD_A", source_key="A")])

    renamed = Rename(
        *("P_A", "A", ("OLD_A",), ("id-OLD_A",), "until now OLD_A"),
        old_ids=("id-P_A",),
        old_type="totp",
        is_stranger=True,
    )
    assert plan == Plan(renames=(renamed,), in_scope_count=2, source_count=1)


def test_a_rename_beside_other_writes_takes_only_its_own() -> None:
    destination = [there("OLD_A"), there("P_B"), there("OLD_C")]
    ledger = [wrote("OLD_A", source_key="A"), wrote("OLD_C", source_key="C")]

    plan = plan_of(want("A", "B", "C", "D"), destination, ledger)

    assert [(one.destination_key, one.source_key, one.old_ids) for one in plan.renames] == [
        ("P_A", "A", ()),
        ("P_C", "C", ()),
    ]
    assert [one.destination_key for one in plan.replaces] == ["P_B"]
    assert [one.destination_key for one in plan.creates] == ["P_D"]


def test_a_rename_whose_new_secret_stands_only_removes() -> None:
    destination = [there("OLD_A"), there("P_A")]

    plan = plan_of(want("A"), destination, [wrote("OLD_A", source_key="A"), ours("A")])

    renamed = Rename("P_A", "A", ("OLD_A",), ("id-OLD_A",), "until now OLD_A", is_written=True)
    assert plan == Plan(renames=(renamed,), keeps=(Keep("P_A", "A"),), in_scope_count=2, source_count=1)


def test_the_former_names_of_refused_keys_wait() -> None:
    destination = [there("OLD_B"), there("OLD_A", secret_type="totp"), there("OLD_C")]
    ledger = [wrote(f"OLD_{source}", source_key=source) for source in "ABC"]

    plan = plan_of(want("A", "B", "C"), destination, ledger, others=Others({"P_A": "theirs", "P_B": "theirs"}))

    assert plan.waiting == (
        Delete("OLD_A", "id-OLD_A", "totp", "it stays until P_A can be written, which replaces it"),
        Delete("OLD_B", "id-OLD_B", "key-value", "it stays until P_B can be written, which replaces it"),
    )
    assert [one.destination_key for one in plan.renames] == ["P_C"]
    assert plan.deletes == ()


# What is forgotten


def test_forgets_by_key_what_is_gone_and_not_desired() -> None:
    plan = plan_of(want("C"), [there("P_D")], [ours("B"), ours("A"), ours("C"), ours("D")], disable_deletion=True)

    assert plan.forgotten == ("P_A", "P_B")


# Removal


def test_a_removal_says_what_becomes_of_each() -> None:
    destination = [there("P_B", secret_type="totp"), there("P_C"), there("P_A", secret_type="cookie"), there("P_X")]
    others = Others(wanters=WANTED.wanters, secret_ids=frozenset({"id-P_D"}))

    plan = build_removal(
        [ours("B"), ours("A"), ours("C"), ours("F"), ours("E")], [*destination, there("P_D")], others=others
    )

    assert plan == Plan(
        hand_overs=(
            HandOver(
                "P_A", "id-P_A", "cookie", THEIRS, "not in this source, and the sync “theirs” wants it", "THEIR_A"
            ),
        ),
        deletes=(
            Delete("P_B", "id-P_B", "totp", "removed on request"),
            Delete("P_C", "id-P_C", "key-value", "removed on request"),
        ),
        forgotten=("P_E", "P_F"),
        in_scope_count=3,
    )


def test_a_removal_leaves_what_another_sync_has_adopted_since() -> None:
    plan = build_removal([ours("A")], [there("P_A")], others=Others(secret_ids=frozenset({"id-P_A"})))

    assert plan == Plan(forgotten=("P_A",))


def test_a_removal_takes_ours_whose_key_is_gone() -> None:
    plan = build_removal([ours("A")], [there(None, "id-P_A")])

    assert plan.deletes == (Delete("", "id-P_A", "key-value", "removed on request"),)
