"""Limits: so many requests a minute from one token or address, and so many failed log-ins of one client id.

Counted in the database, one row and one statement a request, so that the limits hold across processes and restarts.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from api.http.errors import TooManyRequests
from api.models import AccessToken, LoginFailures, RequestCount
from common.cleaning import delete_some, register_cleaner

WINDOW = 60
FAILURES = 3
FORGOTTEN_AFTER = timedelta(seconds=30)
LOCKED_FOR = timedelta(seconds=300)
EXPIRED_KEPT_FOR = timedelta(days=7)


def count_request(caller: str) -> None:
    """Raises TooManyRequests once a caller has sent more than it may in this minute."""
    limit = int(settings.API_RATE_PER_MINUTE)
    if not limit:
        return
    now = time.time()
    window = int(now // WINDOW)
    rows = RequestCount.objects.filter(caller=caller)
    if not rows.filter(window=window).update(count=F("count") + 1):
        new = RequestCount(caller=caller, window=window)
        RequestCount.objects.bulk_create(
            [new], update_conflicts=True, unique_fields=["caller"], update_fields=["window", "count"]
        )
    elif rows.filter(count__gt=limit).exists():
        raise TooManyRequests(retry_after=int((window + 1) * WINDOW - now) + 1)


@contextmanager
def guarding_log_in(client_id: str, address: str) -> Iterator[None]:
    """Lets one log-in of a client id from an address through at a time; a LogInFailed from within counts against both.

    Raises TooManyRequests while it is locked, before anything is evaluated. The transaction keeps the row locked, and
    ends before the error is raised, so that the failure stays counted.
    """
    failure: LogInFailed | None = None
    with transaction.atomic():
        row = _locked_row(f"{client_id} {address}")
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
