"""What follows when syncs of a set ask for their turn, by how the last rollout stands. Pure.

| it asks because of | and its turn in the last rollout | then                                                       |
| ------------------ | -------------------------------- | ---------------------------------------------------------- |
| a change           | is to come                       | it goes in its turn                                        |
| a change           | came, or it has none             | a new rollout of it and of all whose turn is to come       |
| a run found one    | is to come, or is now            | it goes in its turn                                        |
| a run found one    | came, or it has none             | a new rollout of all: the source has changed for everybody |
| a run found one    | came first, and it failed        | its run is tried again: nobody else gets it by that        |
| a run found one    | came later, and it failed        | a rollout of it behind the canaries, once none is open     |

In a rollout that was ended no turn is to come; what a run finds then is what was ended, and waits for a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fleets.choices import RolloutState, StepState
from syncs.choices import AsksForWave

T = TypeVar("T")
OPEN = (RolloutState.RUNNING, RolloutState.STOPPED)


@dataclass(frozen=True)
class Step:
    state: str
    wave: int = 0


@dataclass
class Answer(Generic[T]):
    """`reached` begin a new rollout with all that is left of the last one, or with all there are. `behind` go behind
    the canaries. `again` are tried again where they are."""

    reached: set[T] = field(default_factory=set)
    takes_all: bool = False
    behind: set[T] = field(default_factory=set)
    again: set[T] = field(default_factory=set)

    @property
    def begins(self) -> bool:
        return bool(self.reached or self.behind or self.takes_all)


def answer(asking: Mapping[T, str], steps: Mapping[T, Step], *, last: str) -> Answer[T]:
    """`steps` are those of the last rollout, and `last` how it stands; "" if there is none."""
    found = Answer[T]()
    for each, why in asking.items():
        step = steps.get(each)
        if why == AsksForWave.CHANGE:
            if last not in OPEN or step is None or step.state != StepState.WAITING:
                found.reached.add(each)
        else:
            _answer_held(found, each, step, last)
    return found


def _answer_held(found: Answer[T], each: T, step: Step | None, last: str) -> None:
    if step is None or step.state in (StepState.DONE, StepState.SKIPPED) or last == RolloutState.SUPERSEDED:
        found.takes_all = True
    elif step.state == StepState.FAILED and step.wave == 0:
        found.again.add(each)
    elif step.state == StepState.FAILED and last == RolloutState.DONE:
        found.behind.add(each)
