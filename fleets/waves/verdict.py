"""What became of a wave, and what follows. Pure."""

from collections import Counter
from collections.abc import Collection
from enum import Enum

from fleets.choices import StepState
from syncs.choices import OPEN_STATUSES, Status

OPEN_STEPS = (StepState.WAITING, StepState.RUNNING)


class Verdict(Enum):
    WAIT = "wait"
    GO_ON = "go on"
    STOP = "stop"
    DONE = "done"


def judge(states: Collection[str], *, max_failures: int, is_last: bool) -> Verdict:
    """By the states of a wave's steps. After the last wave there is nothing that could be kept from anybody."""
    if any(state in OPEN_STEPS for state in states):
        return Verdict.WAIT
    if is_last:
        return Verdict.DONE
    return Verdict.STOP if Counter(states)[StepState.FAILED] > max_failures else Verdict.GO_ON


def state_after(status: str, *, is_live: bool) -> StepState:
    """Of a step, by what became of its run; `is_live`: whether its sync may run at all."""
    if status in OPEN_STATUSES:
        return StepState.RUNNING
    if status == Status.SUCCEEDED:
        return StepState.DONE
    return StepState.FAILED if is_live else StepState.SKIPPED
