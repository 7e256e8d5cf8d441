"""How long a session lives: so long since the log-in at most, so long without a sign of its person at most.

A page that refreshes itself is no sign of a person. What is remembered stands in the session, in seconds since the
epoch, and is written at most once a minute.
"""

import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect
from django.urls import reverse

from accounts.sessions import ADDRESS, AGENT
from common.addresses import client_address
from common.log_ins import BY_HEADER, PROVED_AT
from common.middleware import GetResponse
from theme.times import duration

SIGNED_IN, SEEN, CONFIRMED = "signed_in_at", "seen_at", "confirmed_at"
NOTED_EVERY = 60
REFRESH = "XMLHttpRequest"


def connect() -> None:
    user_logged_in.connect(begin, dispatch_uid="accounts.presence")


def begin(*, request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    """A log-in begins all three clocks: the session's, the person's presence, their last proof of who they are.

    What a reverse proxy says may be of a proof long ago: it is none here. A provider says of when it is.
    """
    if request is None or not hasattr(request, "session"):
        return
    now = time.time()
    proved = 0 if getattr(request, BY_HEADER, False) else getattr(request, PROVED_AT, now)
    request.session.update({SIGNED_IN: now, SEEN: now, CONFIRMED: proved})
    request.session.update({ADDRESS: client_address(request), AGENT: request.headers.get("User-Agent", "")[:200]})


class PresenceMiddleware:
    """Logs out whoever was away for too long, or has been in for too long. Stands behind the authentication's own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        reason = why_over(request)
        if reason:
            logout(request)
            return _log_in_again(request, reason)
        if not is_refresh(request):
            _note_seen(request)
        return self.get_response(request)


def why_over(request: HttpRequest) -> str:
    """Why the session is at its end; "" if it is not. One from before these clocks counts as just seen."""
    now = time.time()
    since_log_in = now - request.session.get(SIGNED_IN, now)
    since_seen = now - request.session.get(SEEN, now)
    if since_log_in > settings.SESSION_LONGEST.total_seconds():
        return f"You were logged in for {duration(settings.SESSION_LONGEST)}. Log in again to go on."
    if since_seen > settings.SESSION_IDLE.total_seconds():
        return f"You were away for more than {duration(settings.SESSION_IDLE)}. Log in again to go on."
    return ""


def is_refresh(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == REFRESH


def _note_seen(request: HttpRequest) -> None:
    now = time.time()
    request.session.setdefault(SIGNED_IN, now)
    if now - request.session.get(SEEN, 0) > NOTED_EVERY:
        request.session[SEEN] = now


def _log_in_again(request: HttpRequest, reason: str) -> HttpResponse:
    if is_refresh(request):
        return HttpResponseForbidden(reason)
    messages.warning(request, reason)
    address = request.get_full_path() if request.method == "GET" else reverse("admin:index")
    return redirect(f"{reverse('admin:login')}?{urlencode({'next': address})}")
