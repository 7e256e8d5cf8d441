"""Who did what a plan has found in Devin: asked of the audit log, once, where there is something to ask about."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connections.audit_logs import CREATED, DELETED, UPDATED, newest_events
from connections.devin.audit import AuditEvent
from connections.devin.types import RemoteSecret
from connections.models import Connection
from syncs.authors import Author, Authors, subject
from syncs.engine.changes import Change, Create, Delete, HandOver, HeldBack, Known, Plan
from syncs.engine.rows import storable

DEEDS = {CREATED: "created", UPDATED: "updated", DELETED: "deleted"}
# Seconds between the times of a list and those of the log.
SLACK = 60
Found = Change | HeldBack


@dataclass(frozen=True)
class Subject:
    """A secret of which the log is asked: by its ids, or by its key, and since when, in Unix seconds."""

    ids: frozenset[str]
    key: str
    since: int
    actions: frozenset[str]


@dataclass(frozen=True)
class LookedUp:
    """`authors` is None where nothing is known."""

    authors: Authors | None = None
    requests_sent: int = 0


def subject_of(change: Found) -> str:
    """Of what somebody else did; "" of all other changes."""
    if isinstance(change, HandOver) or not (
        getattr(change, "is_drift", False) or getattr(change, "is_stranger", False)
    ):
        return ""
    is_deletion = isinstance(change, Delete | HeldBack)
    return subject(storable(change.destination_key), getattr(change, "secret_id", ""), is_deletion=is_deletion)


def found_in(plan: Plan) -> Iterator[Found]:
    """What somebody else did in Devin."""
    return (each for each in (*plan.changes, *plan.asked, *plan.held_back) if subject_of(each))


def look_up(
    connection: Connection,
    org_id: str,
    found: Iterable[Found],
    existing: Sequence[RemoteSecret],
    known: Iterable[Known],
) -> LookedUp:
    """Asks the audit log of these. Never a fault, and never for long."""
    ledger = {entry.destination_key: entry for entry in known}
    present = {secret.secret_id: secret for secret in existing}
    subjects = {subject_of(each): _subject(each, ledger.get(each.destination_key), present) for each in found}
    actions = {action for each in subjects.values() for action in each.actions}
    told = newest_events(connection, org_id, actions)
    if told.events is None:
        return LookedUp(requests_sent=told.requests_sent)
    return LookedUp(Authors(match(told.events, subjects)), told.requests_sent)


def match(events: Iterable[AuditEvent], subjects: Mapping[str, Subject]) -> dict[str, Author]:
    """The newest event of each, of those that come newest first."""
    by_word: dict[str, set[str]] = defaultdict(set)
    for name, each in subjects.items():
        for word in (*each.ids, each.key):
            by_word[word].add(name)
    found: dict[str, Author] = {}
    for event in events:
        named = set().union(*(by_word[word] for word in event.words if word in by_word))
        for name in named - found.keys():
            if _is_about(event, subjects[name]):
                found[name] = Author(DEEDS[event.action], event.by, event.at)
    return found


def _is_about(event: AuditEvent, asked: Subject) -> bool:
    is_in_time = event.at is None or event.at >= asked.since - SLACK
    return is_in_time and event.action in asked.actions and event.is_of(asked.ids, asked.key)


def _subject(change: Found, known: Known | None, present: Mapping[str, RemoteSecret]) -> Subject:
    ids = {secret_id for secret_id in _ids_of(change) if secret_id}
    since = min((present[secret_id].created_at for secret_id in ids if secret_id in present), default=0)
    actions = {CREATED}
    if known is not None and getattr(change, "is_drift", False):
        is_edited = known.secret_id in ids
        actions = {DELETED} if isinstance(change, Create) else {UPDATED} if is_edited else {CREATED, DELETED}
        ids, since = ids | {known.secret_id}, known.modified_at
    return Subject(frozenset(ids), change.destination_key, since, frozenset(actions))


def _ids_of(change: Found) -> tuple[str, ...]:
    secret_id = getattr(change, "secret_id", "")
    return (secret_id,) if secret_id else getattr(change, "old_ids", ())
