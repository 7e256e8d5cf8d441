"""Telling a person who mistypes from somebody who guesses: failed log-ins are counted per account and per address, but
a browser that has logged in with that very account before has a count of its own.

So a guesser with many addresses is stopped at the account, one who goes through many accounts at the address, and
neither locks out whoever has logged in here before ("device cookies", OWASP).
"""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Device
from common.middleware import GetResponse

COOKIE = "devinsync_device"
KEPT_FOR = timedelta(days=180)
# After so many failures in a row the browser is a stranger again.
FAILURES = 10
NEW_DEVICE = "_devinsync_new_device"


def connect() -> None:
    user_logged_in.connect(remember, dispatch_uid="accounts.devices.remember")
    user_login_failed.connect(count_failure, dispatch_uid="accounts.devices.count_failure")


def digest_of(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()


def is_known(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> bool:
    """Whether this browser has logged in with this account, and has not failed too often since."""
    name = (credentials or {}).get("username") or (request.POST.get("username", "") if request is not None else "")
    return request is not None and bool(name) and _trusted(request).filter(user__username=name).exists()


def has_logged_in(request: HttpRequest) -> bool:
    """The same, with whatever account."""
    return _trusted(request).exists()


def _trusted(request: HttpRequest) -> QuerySet[Device]:
    since, cookie = timezone.now() - KEPT_FOR, request.COOKIES.get(COOKIE, "")
    if not cookie:
        return Device.objects.none()
    return Device.objects.filter(digest=digest_of(cookie), seen_at__gt=since, failures__lt=FAILURES)


def count_failure(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    cookie = request.COOKIES.get(COOKIE, "") if request is not None else ""
    if cookie:
        rows = Device.objects.filter(digest=digest_of(cookie), user__username=credentials.get("username", ""))
        rows.filter(failures__lt=FAILURES).update(failures=F("failures") + 1)


def remember(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    """The same browser goes on with a new cookie each time, so a copied one is soon worth nothing."""
    if request is None:
        return
    Device.objects.filter(user=user, seen_at__lt=timezone.now() - KEPT_FOR).delete()
    Device.objects.filter(user=user, digest=digest_of(request.COOKIES.get(COOKIE, ""))).delete()
    cookie = secrets.token_urlsafe(32)
    Device.objects.create(user=user, digest=digest_of(cookie))
    setattr(request, NEW_DEVICE, cookie)


class DeviceMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        cookie = getattr(request, NEW_DEVICE, "")
        if cookie:
            response.set_cookie(
                COOKIE,
                cookie,
                max_age=int(KEPT_FOR.total_seconds()),
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
