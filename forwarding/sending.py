"""Sends what is linked and has not arrived yet, target by target, and says how that stands."""

import json
import logging
import secrets
import threading
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Min
from django.utils import timezone

from audit.export import rows_of
from audit.models import Entry
from common import clock
from common.companions import repeat
from forwarding.models import Progress
from forwarding.targets import DEADLINE, BadTarget, Line, NotSent, Target, read_targets

log = logging.getLogger(__name__)

AT_ONCE = 200
EVERY = 2.0
LONGEST_PAUSE = 60.0
# Longer than a batch may take, so that nobody else begins with it meanwhile.
CLAIMED_FOR = 3 * DEADLINE


def send_some(key: str, target: Target) -> bool:
    """One batch to one target; whether there may be more. Raises NotSent, and has noted why. Where nothing waits,
    nothing is written."""
    progress, _ = Progress.objects.get_or_create(target=key, defaults={"label": target.label[:255]})
    if not Entry.objects.filter(position__gt=progress.position).exists():
        return False
    claim, now = secrets.token_hex(16), clock.now()
    free = Progress.objects.filter(pk=key, claimed_until__lte=now)
    if not free.update(claim=claim, claimed_until=now + CLAIMED_FOR):
        return False
    ours = Progress.objects.filter(pk=key, claim=claim)
    # As it is now that nobody else sends.
    progress = ours.get()
    lines = read_lines(progress.position)
    try:
        if lines:
            target.send(lines)
    except NotSent as error:
        since = progress.failing_since or now
        ours.update(failing_since=since, problem=str(error)[:500], claim="", claimed_until=now)
        raise
    position = lines[-1].position if lines else progress.position
    ours.update(position=position, sent_at=now, failing_since=None, problem="", claim="", claimed_until=now)
    return len(lines) == AT_ONCE


def read_lines(after: int) -> list[Line]:
    return [_as_line(row) for row in rows_of(Entry.objects.filter(position__gt=after).order_by("position")[:AT_ONCE])]


def _as_line(row: dict[str, Any]) -> Line:
    told = row["at"].isoformat()
    return Line(row["position"], told, json.dumps({**row, "at": told}, ensure_ascii=False, default=str))


class Sender:
    """Goes round the targets, and leaves one that fails alone for longer and longer."""

    def __init__(self) -> None:
        self._pauses: dict[str, float] = defaultdict(float)
        self._not_before: dict[str, datetime] = {}

    def send_due(self, stop: threading.Event) -> None:
        for key, target in read_targets().items():
            if self._not_before.get(key, timezone.now()) > timezone.now():
                continue
            try:
                while send_some(key, target) and not stop.is_set():
                    pass
                self._pauses.pop(key, None)
            except NotSent as error:
                self._pauses[key] = min(LONGEST_PAUSE, 2 * self._pauses[key] + EVERY)
                self._not_before[key] = timezone.now() + timedelta(seconds=self._pauses[key])
                log.warning("could not send the audit log to %s: %s; it is tried again", target.label, error)


def beside_the_scheduler(stop: threading.Event) -> None:
    repeat(stop, "send the audit log", partial(Sender().send_due, stop), every=EVERY)


def waiting(now: datetime) -> dict[str, timedelta]:
    """For each target by its label, for how long the oldest line has been waiting for it."""
    found = {}
    for progress in present():
        oldest = Entry.objects.filter(position__gt=progress.position).aggregate(at=Min("at"))["at"]
        found[progress.label] = max(now - oldest, timedelta(0)) if oldest else timedelta(0)
    return found


def present() -> Sequence[Progress]:
    """Of the targets that are set today."""
    try:
        return list(Progress.objects.filter(pk__in=read_targets()).order_by("label"))
    except BadTarget:
        return []
