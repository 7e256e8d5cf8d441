"""The table of events: what can be told of, how it is found, and how it ends. Another one is another row."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from notices.facts import Fact
from notices.finding import syncs
from notices.models import Incident


def nothing(incidents: Collection[Incident]) -> set[str]:
    return set()


def it_is_over(incident: Incident) -> str:
    return "It is over."


@dataclass(frozen=True)
class Event:
    """`find` yields what is so now. What it no longer yields is over, but for the subjects in `undecided`.

    `lasts`: for how long it has to be so before it counts. `ends` is False where nobody needs to hear that it is over.
    """

    name: str
    label: str
    find: Callable[[], Iterable[Fact]]
    undecided: Callable[[Collection[Incident]], set[str]] = nothing
    how_it_ended: Callable[[Incident], str] = it_is_over
    lasts: timedelta = timedelta()
    ends: bool = True
    # It has happened and is over at once; good news at that, which services with colours show so.
    is_moment: bool = False


EVENTS = (
    Event("failed", "A sync failed", syncs.failed, syncs.undecided, syncs.how_it_ended),
    Event("blocked", "A sync is blocked until somebody decides", syncs.blocked, syncs.undecided, syncs.how_it_ended),
)
BY_NAME = {event.name: event for event in EVENTS}
# What a first channel is told of, unless somebody says otherwise.
FIRST = ("failed", "blocked")


def choices() -> list[tuple[str, str]]:
    return [(event.name, event.label) for event in EVENTS]
