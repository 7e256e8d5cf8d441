"""Who is in which wave, what follows a wave, and what follows where a sync asks for its turn."""

import pytest

from fleets.choices import RolloutState, StepState
from fleets.waves.asking import Answer, Step, answer
from fleets.waves.order import waves_of
from fleets.waves.verdict import Verdict, judge, state_after
from syncs.choices import AsksForWave, Status

W, R, D, F, S = StepState.WAITING, StepState.RUNNING, StepState.DONE, StepState.FAILED, StepState.SKIPPED


@pytest.mark.parametrize(
    ("canaries", "others", "size", "waves"),
    [
        ("", "abcde", 0, ["abcde"]),
        ("", "abcde", 2, ["ab", "cd", "e"]),
        ("", "abcde", 9, ["abcde"]),
        ("x", "abcde", 0, ["x", "abcde"]),
        ("xy", "abcde", 3, ["xy", "abc", "de"]),
        ("xy", "", 3, ["xy"]),
        ("", "", 3, []),
    ],
)
def test_the_canaries_go_first_and_then_so_many_at_a_time(
    canaries: str, others: str, size: int, waves: list[str]
) -> None:
    assert waves_of(list(canaries), list(others), size=size) == [list(wave) for wave in waves]


@pytest.mark.parametrize(
    ("states", "most", "is_last", "verdict"),
    [
        ([D, R], 0, False, Verdict.WAIT),
        ([F, W], 0, False, Verdict.WAIT),
        ([F, R], 0, True, Verdict.WAIT),
        ([D, S], 0, False, Verdict.GO_ON),
        ([], 0, False, Verdict.GO_ON),
        ([D, F], 0, False, Verdict.STOP),
        ([D, F], 1, False, Verdict.GO_ON),
        ([F, F], 1, False, Verdict.STOP),
        ([D, F], 0, True, Verdict.DONE),
        ([D, D], 0, True, Verdict.DONE),
    ],
    ids=str,
)
def test_a_wave_goes_on_only_if_few_enough_failed(
    states: list[StepState], most: int, is_last: bool, verdict: Verdict
) -> None:
    assert judge(states, max_failures=most, is_last=is_last) is verdict


@pytest.mark.parametrize(
    ("status", "is_live", "state"),
    [
        (Status.PENDING, True, R),
        (Status.RUNNING, False, R),
        (Status.SUCCEEDED, False, D),
        (Status.FAILED, True, F),
        (Status.BLOCKED, True, F),
        (Status.CANCELLED, True, F),
        (Status.CANCELLED, False, S),
    ],
)
def test_a_turn_ends_as_its_run_does(status: Status, is_live: bool, state: StepState) -> None:
    assert state_after(status, is_live=is_live) == state


CHANGE, HELD = AsksForWave.CHANGE, AsksForWave.HELD
ALL, NOTHING = Answer[str](takes_all=True), Answer[str]()
REACHED, BEHIND, AGAIN = Answer(reached={"a"}), Answer(behind={"a"}), Answer(again={"a"})
RUNNING, STOPPED, ENDED = RolloutState.RUNNING, RolloutState.STOPPED, RolloutState.ENDED
FINISHED, SUPERSEDED = RolloutState.DONE, RolloutState.SUPERSEDED


@pytest.mark.parametrize(
    ("why", "step", "last", "expected"),
    [
        (CHANGE, None, "", REACHED),
        (CHANGE, Step(W, 2), RUNNING, NOTHING),
        (CHANGE, Step(W, 2), STOPPED, NOTHING),
        (CHANGE, Step(W, 2), ENDED, REACHED),
        (CHANGE, Step(R), RUNNING, REACHED),
        (CHANGE, Step(D), RUNNING, REACHED),
        (CHANGE, Step(F), STOPPED, REACHED),
        (CHANGE, None, RUNNING, REACHED),
        (CHANGE, Step(D), FINISHED, REACHED),
        (HELD, None, "", ALL),
        (HELD, None, RUNNING, ALL),
        (HELD, Step(W, 2), RUNNING, NOTHING),
        (HELD, Step(W, 2), STOPPED, NOTHING),
        (HELD, Step(W, 2), ENDED, NOTHING),
        (HELD, Step(R), RUNNING, NOTHING),
        (HELD, Step(D), RUNNING, ALL),
        (HELD, Step(D), STOPPED, ALL),
        (HELD, Step(D), FINISHED, ALL),
        (HELD, Step(S), FINISHED, ALL),
        (HELD, Step(F), STOPPED, AGAIN),
        (HELD, Step(F), FINISHED, AGAIN),
        (HELD, Step(F, 1), STOPPED, NOTHING),
        (HELD, Step(F, 1), ENDED, NOTHING),
        (HELD, Step(F, 1), FINISHED, BEHIND),
        (HELD, Step(W, 1), SUPERSEDED, ALL),
    ],
    ids=str,
)
def test_what_follows_where_a_sync_asks(why: str, step: Step | None, last: str, expected: Answer[str]) -> None:
    assert answer({"a": why}, {"a": step} if step else {}, last=last) == expected
