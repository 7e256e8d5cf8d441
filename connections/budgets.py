"""One budget of requests a connection, shared by all processes: what the service told of its limits stands in a row.

Learned from `X-RateLimit-*` and from 429; unknown until then. No request goes out while it is spent, so none inside of
a `Retry-After`. It stands in the database, so it holds whether or not the queue does.
"""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Least

from common import clock
from connections.http import Answer
from connections.models import RequestBudget

# Where a service does not say how long its window is.
WINDOW = timedelta(seconds=60)
# Two tellings of one window's end differ by what the answers took.
SAME_WINDOW = timedelta(seconds=2)
LARGEST = 1_000_000


class Budget(Protocol):
    def take(self, sort: str) -> timedelta | None:
        """Counts a request that is about to be sent; or says how long none may be."""

    def learn(self, sort: str, answer: Answer) -> None:
        """Takes over what an answer told."""

    def spend(self, sort: str, wait: timedelta) -> None:
        """Nothing more for so long: the service said 429."""


class SharedBudget:
    """With `spares`, half of what the service allows is left to others."""

    def __init__(self, connection_id: UUID, *, spares: bool = False) -> None:
        self._connection_id = connection_id
        self._spares = spares
        self._rows = RequestBudget.objects.filter(connection_id=connection_id)

    def take(self, sort: str) -> timedelta | None:
        while True:
            row = self._rows.filter(sort=sort).first()
            now = clock.now()
            if row is None or (row.resets_at <= now and not row.limit):
                return None
            kept = row.limit // 2 if self._spares else 0
            if row.resets_at > now and row.left <= kept:
                return row.resets_at - now
            # Whoever loses this race looks again.
            same = self._rows.filter(pk=row.pk, resets_at=row.resets_at)
            if row.resets_at <= now:
                taken = same.update(left=row.limit - 1, resets_at=now + WINDOW)
            else:
                taken = same.filter(left__gt=kept).update(left=F("left") - 1)
            if taken:
                return None

    def learn(self, sort: str, answer: Answer) -> None:
        limit, left, reset = (
            _number(answer, name) for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
        )
        if not limit or left is None or reset is None:
            return
        resets_at = clock.now() + min(timedelta(seconds=reset), timedelta(days=1))
        row = self._row(sort, resets_at, limit=limit, left=left)
        same = self._rows.filter(pk=row.pk, resets_at=row.resets_at)
        if abs(row.resets_at - resets_at) > SAME_WINDOW:
            same.update(limit=limit, left=left, resets_at=resets_at)
        elif left < row.left or limit != row.limit:
            same.update(limit=limit, left=Least(F("left"), left))

    def spend(self, sort: str, wait: timedelta) -> None:
        resets_at = clock.now() + wait
        row = self._row(sort, resets_at, limit=0, left=0)
        self._rows.filter(pk=row.pk).update(left=0, resets_at=resets_at)

    def _row(self, sort: str, resets_at: datetime, *, limit: int, left: int) -> RequestBudget:
        told = {"limit": limit, "left": left, "resets_at": resets_at}
        try:
            with transaction.atomic():
                row, _ = self._rows.get_or_create(connection_id=self._connection_id, sort=sort, defaults=told)
        except IntegrityError:
            # The connection was deleted meanwhile; nothing more is sent through it.
            return RequestBudget(sort=sort, **told)
        return row


class NoBudget:
    """For one question of a connection that may not be stored yet."""

    def take(self, sort: str) -> timedelta | None:
        return None

    def learn(self, sort: str, answer: Answer) -> None:
        """Nobody asks."""

    def spend(self, sort: str, wait: timedelta) -> None:
        """Nobody asks."""


def _number(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(name, "").strip()
    return min(int(text[:12]), LARGEST) if text.isascii() and text.isdigit() else None
