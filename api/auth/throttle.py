"""Limits: so many requests a minute from one token or address, and so many failed log-ins of one client id.

Counted in the database, so that the limits hold across processes and restarts. Of a token each process tells of a
hundredth of the limit at once, so that not every request writes; so much may pass beyond the limit.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from uuid import UUID
from zlib import crc32

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from api.http.errors import TooManyRequests
from api.models import AccessToken, LoginFailures, MachineIdentity, RequestCount
from audit import floods
from common.cleaning import delete_some, register_cleaner

WINDOW = 60
# A process tells of the requests of one token by this part of the limit.
TOLD_AT_ONCE = 100
# So many addresses a minute each process counts one by one, and all beyond by so many names.
MOST_STRANGERS, SHARED = 2000, 4096
FAILURES = 3
FORGOTTEN_AFTER = timedelta(seconds=30)
LOCKED_FOR = timedelta(seconds=300)
EXPIRED_KEPT_FOR = timedelta(days=7)


class Untold:
    """How many requests of each caller this process has let through in this minute without a word to the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, int] = {}

    def add(self, caller: str, window: int, *, at_once: int) -> int:
        """How many to tell of now: the first of a minute, then so many at once; 0 as long as there are fewer."""
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, {}
            is_first = caller not in self._counts
            count = self._counts.get(caller, 0) + 1
            is_due = is_first or count >= at_once
            self._counts[caller] = 0 if is_due else count
            return count if is_due else 0

    def forget(self, caller: str) -> None:
        """Its next request is told of at once."""
        with self._lock:
            self._counts.pop(caller, None)


class Strangers:
    """By which name those are counted of whom nothing is known but where they come from: of the first of a minute each
    by its own, and the others, however many, by a few that they share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._names: set[str] = set()

    def name_of(self, caller: str, window: int) -> str:
        with self._lock:
            if window != self._window:
                self._window, self._names = window, set()
            if len(self._names) < MOST_STRANGERS:
                self._names.add(caller)
            return caller if caller in self._names else shared_name(caller)


def shared_name(who: str) -> str:
    return f"shared {crc32(who.encode()) % SHARED}"


_untold, _strangers = Untold(), Strangers()


def count_request(caller: str, *, is_known: bool = False) -> None:
    """Raises TooManyRequests once a caller has sent more than it may in this minute.

    Of one that `is_known` some requests are counted together; of others, of whom there may be any number, each.
    """
    limit = int(settings.API_RATE_PER_MINUTE)
    if not limit:
        return
    now = time.time()
    window = int(now // WINDOW)
    caller = caller if is_known else _strangers.name_of(caller, window)
    at_once = max(limit // TOLD_AT_ONCE, 1) if is_known else 1
    count = _untold.add(caller, window, at_once=at_once) if at_once > 1 else 1
    if count and _is_too_many(caller, window, count, limit):
        _untold.forget(caller)
        raise TooManyRequests(retry_after=int((window + 1) * WINDOW - now) + 1)


def _is_too_many(caller: str, window: int, count: int, limit: int) -> bool:
    """With these that are told of now."""
    rows = RequestCount.objects.filter(caller=caller)
    if rows.filter(window=window).update(count=F("count") + count):
        return rows.filter(count__gt=limit).exists()
    new = RequestCount(caller=caller, window=window, count=count)
    RequestCount.objects.bulk_create(
        [new], update_conflicts=True, unique_fields=["caller"], update_fields=["window", "count"]
    )
    return False


@contextmanager
def guarding_log_in(client_id: str, address: str) -> Iterator[None]:
    """Lets one log-in of a client id from an address through at a time; a LogInFailed from within counts against both.

    Raises TooManyRequests while it is locked, before anything is evaluated. The transaction keeps the row locked, and
    ends before the error is raised, so that the failure stays counted.
    """
    failure: LogInFailed | None = None
    with transaction.atomic():
        row = _locked_row(_counted_as(client_id, address))
        _check_not_locked(row)
        try:
            yield
        except LogInFailed as error:
            failure = error
            _count_failure(row)
        else:
            row.delete()
    if failure is not None:
        raise failure


class LogInFailed(Exception):
    pass


def _counted_as(client_id: str, address: str) -> str:
    """In a flood from everywhere those that nobody has share a few counts, so that no number of them fills a table."""
    who = f"{client_id} {address}"
    return shared_name(who) if floods.is_everywhere() and not _is_somebodys(client_id) else who


def _is_somebodys(client_id: str) -> bool:
    try:
        return MachineIdentity.objects.filter(client_id=UUID(client_id)).exists()
    except ValueError:
        return False


def _locked_row(who: str) -> LoginFailures:
    """A log-in that succeeds meanwhile deletes the row, so it may be gone by the time that it can be locked."""
    digest = sha256(who.encode()).hexdigest()
    row = None
    while row is None:
        LoginFailures.objects.get_or_create(pk=digest)
        row = LoginFailures.objects.select_for_update().filter(pk=digest).first()
    return row


def _check_not_locked(row: LoginFailures) -> None:
    now = timezone.now()
    if row.locked_until is not None and row.locked_until > now:
        raise TooManyRequests(retry_after=int((row.locked_until - now).total_seconds()) + 1)


def _count_failure(row: LoginFailures) -> None:
    now = timezone.now()
    row.count = row.count + 1 if now - row.last_at < FORGOTTEN_AFTER else 1
    row.last_at = now
    row.locked_until = None
    if row.count >= FAILURES:
        row.count, row.locked_until = 0, now + LOCKED_FOR
    row.save()


def register_cleaners() -> None:
    register_cleaner("counts of requests", clean_counts)
    register_cleaner("failed log-ins", clean_failures)
    register_cleaner("expired access tokens", clean_tokens)


def clean_counts() -> bool:
    return delete_some(RequestCount.objects.filter(window__lt=int(time.time() // WINDOW) - 1).order_by("window"))


def clean_failures() -> bool:
    """Those that no longer count."""
    end = timezone.now() - LOCKED_FOR - FORGOTTEN_AFTER
    return delete_some(LoginFailures.objects.filter(last_at__lt=end).order_by("last_at"))


def clean_tokens() -> bool:
    """An expired access token is told so for a while."""
    end = timezone.now() - EXPIRED_KEPT_FOR
    return delete_some(AccessToken.objects.filter(expires_at__lt=end).order_by("expires_at"))
