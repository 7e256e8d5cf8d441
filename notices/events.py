"""The table of events: what can be told of, how it is found, and how it ends. Another one is another row."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from notices.facts import Fact
from notices.finding import dates, drift, key_rotations, processes, services, sync_sets, syncs
from notices.models import Incident


def nothing(incidents: Collection[Incident]) -> set[str]:
    return set()


def said(words: str) -> Callable[[Incident], str]:
    return lambda incident: words


it_is_over = said("It is over.")


@dataclass(frozen=True)
class Event:
    """`find` yields what is so now. What it no longer yields is over, but for the subjects in `undecided`.

    `lasts`: for how long it has to be so before it counts. `every`: how often it is looked for, if not at each look.
    `ends` is False where nobody needs to hear that it is over.
    """

    name: str
    label: str
    when: str
    find: Callable[[], Iterable[Fact]]
    undecided: Callable[[Collection[Incident]], set[str]] = nothing
    how_it_ended: Callable[[Incident], str] = it_is_over
    lasts: timedelta = timedelta()
    every: timedelta = timedelta()
    ends: bool = True
    # It has happened and is over at once; good news at that, which services with colours show so.
    is_moment: bool = False


EVENTS = (
    Event("failed", "Sync failed", "after all attempts", syncs.failed, syncs.undecided, syncs.how_it_ended),
    Event("blocked", "Sync blocked", "until somebody decides", syncs.blocked, syncs.undecided, syncs.how_it_ended),
    Event(
        "approval",
        "Approval wanted",
        "another person has to approve a run's plan",
        syncs.awaiting,
        syncs.undecided,
        syncs.how_it_ended,
    ),
    Event(
        "sync-set",
        "Sync set waits",
        "its rollout stopped, or organizations are to be approved or could not be made",
        sync_sets.waiting,
        how_it_ended=sync_sets.how_it_went_on,
    ),
    Event(
        drift.DRIFT,
        "Drift repaired",
        "a run put right what was changed or deleted in Devin",
        drift.repaired,
        is_moment=True,
    ),
    Event(
        "refused",
        "Connection refused",
        "a key was refused, or lacks a permission",
        services.refused,
        how_it_ended=said("It was accepted again, or nothing uses it any more."),
    ),
    Event(
        "source",
        "Source unreachable",
        "a project that is kept elsewhere can't be read",
        services.unreachable,
        how_it_ended=said("It was read again."),
    ),
    Event(
        "scheduler",
        "Scheduler silent",
        "for a minute",
        processes.silent_scheduler,
        how_it_ended=said("One is at work again."),
    ),
    Event(
        "workers",
        "Workers silent",
        "for two minutes",
        processes.silent_workers,
        how_it_ended=said("Workers are at work again."),
        lasts=timedelta(minutes=2),
    ),
    Event(
        "key",
        "Connection's key expires",
        "within 14, 3 and 1 days, and when it has",
        dates.connection_keys,
        how_it_ended=dates.how_a_key_went_on,
        every=timedelta(minutes=5),
        ends=False,
    ),
    Event(
        "key-rotation",
        "Key not rotated",
        "the rotation of a connection's key failed, stands still for half an hour, or left the old key alive",
        key_rotations.troubled,
        how_it_ended=key_rotations.how_it_went_on,
        every=timedelta(minutes=1),
    ),
    Event(
        "expiring",
        "Key expires",
        "an API token or client secret, within 14 days",
        dates.expiring_keys,
        every=timedelta(minutes=5),
        ends=False,
    ),
    Event(
        "rotation",
        "Rotation due",
        "of secrets, within 14 days",
        dates.due_rotations,
        every=timedelta(minutes=5),
        ends=False,
    ),
)
BY_NAME = {event.name: event for event in EVENTS}
# What a first channel is told of, unless somebody says otherwise.
FIRST = ("failed", "blocked", "approval", "sync-set", "scheduler", "workers", "key", "key-rotation")


def choices() -> list[tuple[str, str]]:
    return [(event.name, f"{event.label}: {event.when}") for event in EVENTS]
