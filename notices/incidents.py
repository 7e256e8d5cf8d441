"""Opens an incident for each new fact, closes it when it is no longer so, and asks for the messages about both.

All of one look that changes anything is one transaction: incidents, notices and deliveries are there together or not at
all, so a process that is killed leaves nothing that the next look does not find again. A look that finds no change
writes nothing and locks nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, InterfaceError, transaction

from common import clock
from common.places import places
from notices.asking import ask_for
from notices.events import BY_NAME, EVENTS, Event
from notices.facts import Fact
from notices.models import Incident
from syncs.models import SyncControl

log = logging.getLogger(__name__)

Open = dict[str, dict[str, Incident]]


@dataclass
class Found:
    """By event, what is so now and, of the open incidents, the subjects that can't be told yet."""

    facts: dict[str, dict[str, Fact]] = field(default_factory=dict)
    undecided: dict[str, set[str]] = field(default_factory=dict)

    @property
    def troubled(self) -> set[str]:
        return {subject for facts in self.facts.values() for subject in facts}


@dataclass
class Lookout:
    """Looks again and again. Remembers since when it has seen what has to last before it counts."""

    events: Sequence[Event] = EVENTS
    _since: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _kept: dict[str, tuple[datetime, dict[str, Fact]]] = field(default_factory=dict)

    def look(self) -> int:
        """How many incidents were opened or closed."""
        now, known = clock.now(), open_incidents()
        if not _differs(self._find(now, known), known):
            return 0
        with transaction.atomic():
            # Whoever else looks waits here, and then sees what was done; so what is so is read again.
            SyncControl.objects.select_for_update().get_or_create(pk=1)
            known = open_incidents()
            self._kept.clear()
            found = self._find(now, known)
            opened = _open(found, known, now)
            closed = _close(found, known, now)
            ask_for(opened, is_end=False, now=now)
            ask_for(_worth_telling(closed, found), is_end=True, now=now)
        return len(opened) + len(closed)

    def _find(self, now: datetime, known: Open) -> Found:
        found = Found()
        for event in self.events:
            facts = self._facts_of(event, now)
            if facts is None:
                found.facts[event.name], found.undecided[event.name] = {}, set(known[event.name])
                continue
            found.facts[event.name] = {
                subject: fact
                for subject, fact in facts.items()
                if subject in known[event.name] or self._has_lasted(event, subject, now)
            }
            self._forget(event, facts)
            incidents = [each for subject, each in known[event.name].items() if subject not in facts]
            found.undecided[event.name] = event.undecided(incidents) if incidents else set()
        return found

    def _facts_of(self, event: Event, now: datetime) -> dict[str, Fact] | None:
        """None if they can't be told: one event that fails must not silence all others."""
        at, facts = self._kept.get(event.name, (now, {}))
        if event.name in self._kept and now < at + event.every:
            return facts
        try:
            facts = {fact.subject: fact for fact in event.find()}
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:
            log.error("could not look for %s (%s at %s)", event.name, type(error).__name__, places(error))
            return None
        self._kept[event.name] = (now, facts)
        return facts

    def _has_lasted(self, event: Event, subject: str, now: datetime) -> bool:
        return event.lasts <= now - self._since.setdefault((event.name, subject), now)

    def _forget(self, event: Event, facts: Mapping[str, Fact]) -> None:
        for name, subject in list(self._since):
            if name == event.name and subject not in facts:
                del self._since[(name, subject)]


def open_incidents() -> Open:
    known: Open = defaultdict(dict)
    for incident in Incident.objects.open():
        known[incident.event][incident.subject] = incident
    return known


def _differs(found: Found, known: Open) -> bool:
    return any(_new(facts, known[event]) for event, facts in found.facts.items()) or any(
        True for _ in _over(found, known)
    )


def _new(facts: Mapping[str, Fact], known: Mapping[str, Incident]) -> list[Fact]:
    return [fact for subject, fact in facts.items() if subject not in known]


def _over(found: Found, known: Open) -> Iterable[Incident]:
    for event, facts in found.facts.items():
        # What has another trouble by now has surely not this one.
        lasting = {*facts, *(found.undecided[event] - found.troubled)}
        yield from (incident for subject, incident in known[event].items() if subject not in lasting)


def _open(found: Found, known: Open, now: datetime) -> list[Incident]:
    opened = [
        Incident(
            event=event,
            subject=fact.subject,
            project_id=fact.project_id,
            sync_id=fact.sync_id,
            title=fact.title[:255],
            text=fact.text[:1024],
            link=fact.link[:255],
            opened_at=now,
            closed_at=now if BY_NAME[event].is_moment else None,
        )
        for event, facts in found.facts.items()
        for fact in _new(facts, known[event])
    ]
    return Incident.objects.bulk_create(opened)


def _close(found: Found, known: Open, now: datetime) -> list[Incident]:
    closed = list(_over(found, known))
    for incident in closed:
        incident.closed_at = now
        incident.end_text = BY_NAME[incident.event].how_it_ended(incident)[:255]
    Incident.objects.bulk_update(closed, ["closed_at", "end_text"])
    return closed


def _worth_telling(closed: Iterable[Incident], found: Found) -> list[Incident]:
    """Not where it is only another trouble of the same by now: that is told as it begins."""
    ends = {event.name for event in EVENTS if event.ends and not event.is_moment}
    return [each for each in closed if each.event in ends and each.subject not in found.troubled]
