"""Which requests a rule meets, and what a script may not ask for."""

from typing import Any

import pytest

from sandbox.faults import LIES, Case, Fault, Faults, Kind, Moment, Rule, build_rule

POST = Case(1, "POST", "org-1", "A", False)
LISTING = Case(1, "GET", "org-1", None, True)


@pytest.fixture
def faults() -> Faults:
    return Faults()


def picked(faults: Faults, *cases: Case) -> list[str | None]:
    return [hit.fault.kind if (hit := faults.pick(case)) else None for case in cases]


def test_of_two_rules_the_first_is_met_first(faults: Faults) -> None:
    faults.add("cut")
    faults.add("status")

    assert picked(faults, POST, POST, POST) == ["cut", "status", None]


def test_a_rule_passes_those_it_does_not_fit_on_to_the_next(faults: Faults) -> None:
    faults.add("cut", key="B")
    faults.add("status", key="A")

    assert picked(faults, POST, POST._replace(key="B")) == ["status", "cut"]


def test_what_is_skipped_by_one_rule_may_be_met_by_another(faults: Faults) -> None:
    faults.add("cut", skip=1)
    faults.add("status", times=None)

    assert picked(faults, POST, POST, POST) == ["status", "cut", "status"]


@pytest.mark.parametrize("kind", sorted(LIES))
def test_a_lie_waits_for_the_first_page_of_a_list(faults: Faults, kind: str) -> None:
    faults.add(kind)

    assert picked(faults, POST, LISTING._replace(is_first_page=False), LISTING, LISTING) == [None, None, kind, None]


@pytest.mark.parametrize("kind", [Kind.OTHER_KEY, Kind.NO_ID])
def test_what_spoils_an_item_waits_for_a_write(faults: Faults, kind: str) -> None:
    faults.add(kind)

    assert picked(faults, LISTING, POST._replace(method="DELETE"), POST) == [None, kind, None]


def test_what_does_not_suit_is_not_counted_as_skipped(faults: Faults) -> None:
    faults.add("no_id", skip=1)

    assert picked(faults, LISTING, POST, LISTING, POST) == [None, None, None, "no_id"]


def test_a_rule_counts_what_it_met(faults: Faults) -> None:
    rule = faults.add("status", times=2)

    picked(faults, POST, POST, POST)

    assert (rule.met, rule.fits(POST)) == (2, False)


def test_a_share_of_all_meets_all_and_of_none_none(faults: Faults) -> None:
    faults.at_random([Fault(kind=Kind.CUT)], rate=0.0, seed=1)
    faults.at_random([Fault(kind=Kind.HTML)], rate=1.0, seed=1, key="B")

    assert picked(faults, POST, POST._replace(key="B"), POST) == [None, "html", None]


def test_the_same_request_sent_again_is_drawn_anew(faults: Faults) -> None:
    faults.at_random([Fault(kind=Kind.CUT)], rate=0.5, seed=3)

    drawn = picked(faults, *[POST] * 40)

    assert 10 < drawn.count("cut") < 30


def test_of_several_faults_only_those_that_suit_are_drawn(faults: Faults) -> None:
    faults.at_random([Fault(kind=Kind.NULL_CURSOR), Fault(kind=Kind.CUT)], rate=1.0, seed=1, times=None)

    assert set(picked(faults, *[POST] * 20)) == {"cut"}


def test_clearing_lets_go_what_is_held_and_forgets_the_draws(faults: Faults) -> None:
    held = faults.add("hold")
    before = [faults.rules(), picked(faults, POST)]

    faults.clear()

    assert before == [[held], ["hold"]]
    assert held.released.is_set()
    assert (faults.rules(), picked(faults, POST)) == ([], [None])


def test_a_draw_is_the_same_after_clearing(faults: Faults) -> None:
    def draw() -> list[str | None]:
        faults.at_random([Fault(kind=Kind.CUT)], rate=0.5, seed=9)
        return picked(faults, *[POST] * 30)

    first = draw()
    faults.clear()

    assert draw() == first


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"kind": "fire"}, "'fire' is not a valid Kind"),
    ({"kind": "cut", "moment": "later"}, "'later' is not a valid Moment"),
    ({"kind": "cut", "moment": "answered"}, "only a signal"),
    ({"kind": "late_commit", "moment": "after"}, "no moment of its own"),
    ({"kind": "drip", "part": "foot"}, "head or the body"),
    ({"kind": "signal", "signal": "SIGNONE"}, "no signal SIGNONE"),
    ({"kind": "rate_limited", "retry_after": "soon", "as_date": True}, "whole number of seconds"),
]


@pytest.mark.parametrize(("options", "message"), IMPOSSIBLE)
def test_a_fault_that_could_not_happen_is_refused_when_it_is_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**options)


def test_a_rule_in_words_is_the_rule_in_python() -> None:
    rule = build_rule({"kind": "status", "status": 503, "method": "POST", "skip": 2, "times": None})

    assert (rule.method, rule.skip, rule.times) == ("POST", 2, None)
    assert rule.faults == [Fault(kind=Kind.STATUS, status=503)]


def test_a_share_in_words_is_met_again_and_again() -> None:
    assert build_rule({"kind": "cut", "rate": 0.5}).times is None
    assert build_rule({"kind": "cut", "rate": 0.5, "times": 3}).times == 3
    assert build_rule({"kind": "cut"}).times == 1


NO_RULES: list[dict[str, Any]] = [
    {},
    {"method": "POST"},
    {"faults": []},
    {"faults": [{}]},
    {"faults": [{"kind": "cut"}, {"moment": "after"}]},
    {"kind": "cut", "colour": "red"},
    {"status": 500},
]


@pytest.mark.parametrize("options", NO_RULES)
def test_a_rule_needs_a_fault_and_a_fault_its_kind(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind|Unknown"):
        build_rule(options)


def test_a_date_ahead_is_told_as_one() -> None:
    assert Fault(kind=Kind.RATE_LIMITED, retry_after=5).retry_after_header == "5"
    assert Fault(kind=Kind.RATE_LIMITED, retry_after=5, as_date=True).retry_after_header.endswith(" GMT")


def test_a_rule_that_is_released_holds_nothing_more() -> None:
    rule = Rule(faults=[Fault(kind=Kind.HOLD, moment=Moment.AFTER)])

    rule.release()

    assert rule.released.is_set()
    assert not rule.reached.is_set()
