"""The chain: each line's digest is an HMAC of the line and of the digest before it, under a key that is sealed.

Linking is apart from writing, by the scheduler and within seconds: a line is written in the transaction of the change
that it tells of, and one lock for all changes would make them wait for each other. An altered, inserted or missing line
breaks the digest from there on; a cut end disagrees with the head, which nobody can write without the key.
"""

import hmac
import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.models import Entry, Form, Head
from encryption import seal, unseal

log = logging.getLogger(__name__)

LINKED_AT_ONCE = 500
DELETED_AT_ONCE = 500
SIGNED = ("actor", "action", "kind", "object_id", "name", "detail", "address", "request_id")
# Since `Form.OF_ALL`; in a line of an earlier form all of these are empty, or somebody has put them in.
SIGNED_LATER = ("project", "environment", "path", "key", "run", "token", "outcome", "lacking", "changes")
# No MAC.
ALTERED = "altered"
# How long a line may be unlinked before `verify_audit` calls that a fault.
LINKED_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong, as a sentence, with the line's position; 0 where it concerns the whole."""

    position: int
    message: str


def digest_of(key: bytes, entry: Entry, previous: str) -> str:
    names = SIGNED if entry.form == Form.OF_FEW else (*SIGNED, *SIGNED_LATER, "form")
    told = {name: getattr(entry, name) for name in names}
    line = {**told, "at": entry.at.isoformat(), "position": entry.position, "previous": previous}
    return hmac.digest(key, json.dumps(line, sort_keys=True).encode(), "sha256").hex()


@transaction.atomic
def link_some() -> bool:
    """Links the oldest lines that are not yet; whether there may be more."""
    if not Entry.objects.filter(position=None).exists():
        return False
    head, key = _locked_head()
    was_whole = _is_whole(key, head)
    new = list(Entry.objects.filter(position=None).order_by("id")[:LINKED_AT_ONCE])
    for entry in new:
        entry.position, entry.form = head.last_position + 1, entry.form or Form.OF_ALL
        entry.digest = digest_of(key, entry, head.last_digest)
        head.last_position, head.last_digest = entry.position, entry.digest
        linked = {"position": entry.position, "digest": entry.digest, "form": entry.form}
        Entry.objects.filter(pk=entry.pk, position=None).update(**linked)
    _save(head, key, is_whole=was_whole)
    return len(new) == LINKED_AT_ONCE


@transaction.atomic
def clean_some() -> bool:
    """Deletes the oldest lines once they are older than AUDIT_DAYS, and keeps what the next one is linked to."""
    old = Entry.objects.filter(at__lt=timezone.now() - settings.AUDIT_KEPT, position__isnull=False)
    if not settings.AUDIT_KEPT or not old.exists():
        return False
    head, key = _locked_head()
    if not _is_whole(key, head):
        return False
    going = _provably_old(head, key, timezone.now() - settings.AUDIT_KEPT)
    if not going:
        return False
    head.first_position, head.first_digest = going[-1].position or 0, going[-1].digest
    Entry.objects.filter(position__lte=head.first_position).delete()
    _save(head, key)
    return len(going) == DELETED_AT_ONCE


def _provably_old(head: Head, key: bytes, end: datetime) -> list[Entry]:
    """The first lines, from the beginning and without a gap. One that is told to be younger stops it, and so does one
    that is not as it was written: whoever makes a line older than it is does not have it deleted here."""
    found: list[Entry] = []
    previous = head.first_digest
    for entry in Entry.objects.filter(position__gt=head.first_position).order_by("position")[:DELETED_AT_ONCE]:
        if entry.at >= end:
            break
        position = head.first_position + len(found) + 1
        if entry.position != position or not is_as_written(key, entry, previous):
            log.error("line %d of the audit log is not as it was written, and is kept; see verify_audit", position)
            break
        found.append(entry)
        previous = entry.digest
    return found


def verify() -> tuple[int, Fault | None]:
    """How many linked lines there are, and the first that is not as it was written."""
    head = Head.objects.filter(pk=1).first()
    if head is None:
        missing = Entry.objects.filter(position__isnull=False).exists()
        return 0, Fault(0, "The head of the log is missing.") if missing else _long_unlinked()
    key = _key_of(head)
    if not _is_whole(key, head):
        return 0, Fault(0, "The head of the log was altered.")
    count, previous, position = 0, head.first_digest, head.first_position
    for entry in _linked():
        position += 1
        if entry.position != position:
            return count, Fault(position, f"Line {position} is missing; the next one is {entry.position}.")
        if not is_as_written(key, entry, previous):
            return count, Fault(position, f"Line {position} (id {entry.pk}) was altered, or put in later.")
        count, previous = count + 1, entry.digest
    if (position, previous) != (head.last_position, head.last_digest):
        return count, Fault(position + 1, f"The lines from {position + 1} to {head.last_position} are missing.")
    return count, _long_unlinked()


def is_as_written(key: bytes, entry: Entry, previous: str) -> bool:
    says_more = entry.form == Form.OF_FEW and any(getattr(entry, name) for name in SIGNED_LATER)
    return not says_more and hmac.compare_digest(entry.digest, digest_of(key, entry, previous))


def _long_unlinked() -> Fault | None:
    late = Entry.objects.filter(position=None, at__lt=timezone.now() - LINKED_WITHIN).count()
    if not late:
        return None
    return Fault(0, f"{late} lines have not been linked for {LINKED_WITHIN}. Is the scheduler running?")


def _linked() -> Iterator[Entry]:
    return Entry.objects.filter(position__isnull=False).order_by("position").iterator(chunk_size=1000)


def _locked_head() -> tuple[Head, bytes]:
    if not Head.objects.filter(pk=1).exists():
        new = Head(pk=1)
        new.sealed_key = seal(secrets.token_hex(32), context=new.sealing_context())
        Head.objects.bulk_create([new], ignore_conflicts=True)
    head = Head.objects.select_for_update().get(pk=1)
    return head, _key_of(head)


def _key_of(head: Head) -> bytes:
    return bytes.fromhex(unseal(head.sealed_key, context=head.sealing_context()))


def _mac(key: bytes, head: Head) -> str:
    told = [head.first_position, head.first_digest, head.last_position, head.last_digest]
    return hmac.digest(key, json.dumps(told).encode(), "sha256").hex()


def _is_whole(key: bytes, head: Head) -> bool:
    """Also a new one, which tells of nothing yet."""
    is_new = not (head.mac or head.first_position or head.last_position or head.first_digest or head.last_digest)
    return is_new or hmac.compare_digest(head.mac, _mac(key, head))


def _save(head: Head, key: bytes, *, is_whole: bool = True) -> None:
    """One that somebody has altered stays so: what comes is linked, but nobody vouches anew for what was."""
    head.mac = _mac(key, head) if is_whole else ALTERED
    head.save(update_fields=["first_position", "first_digest", "last_position", "last_digest", "mac"])
