"""What becomes of a provider's answer, in whatever protocol it came: a session, a proof for one that there is, or a
refusal.

purpose     what comes of it
log in      a session; the proof counts for what is grave while it is fresh
confirm     the same person's session goes on, confirmed
"""

import logging
import time
from typing import Any

import requests
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from accounts.presence import CONFIRMED
from accounts.second_factor.factors import has_any
from common.log_ins import BY_PROVIDER, PROVED_AT, log_in_refused
from common.single_sign_on_settings import ProviderSettings
from single_sign_on.flooding import is_flooding, too_many
from single_sign_on.outgoing import ProviderUnreachable
from single_sign_on.people import known, let_in
from single_sign_on.tokens import SKEW, Refused, proved_at

log = logging.getLogger(__name__)

BACKEND = "single_sign_on.backends.ProviderBackend"
LOG_IN, CONFIRM = "log_in", "confirm"
# What the libraries let out where an answer has another shape than it should.
UNREADABLE = (OAuth2Error, requests.RequestException, ValueError, KeyError, TypeError, AttributeError)


def conclude(
    request: HttpRequest, one: ProviderSettings, claims: dict[str, Any], stashed: dict[str, Any]
) -> HttpResponse:
    """`stashed` is what was remembered when the provider was asked: `next`, and in `data` the purpose and the time."""
    is_confirming = (stashed.get("data") or {}).get("purpose") == CONFIRM
    return (confirm if is_confirming else log_in)(request, one, claims, stashed)


def log_in(
    request: HttpRequest, one: ProviderSettings, claims: dict[str, Any], stashed: dict[str, Any]
) -> HttpResponse:
    try:
        identity = let_in(one, claims)
    except IntegrityError:
        # The same person's other tab was quicker, and has made what is found now.
        identity = let_in(one, claims)
    setattr(request, BY_PROVIDER, one.label)
    setattr(request, PROVED_AT, proved_at(claims))
    login(request, identity.user, backend=BACKEND)
    request.session[BY_PROVIDER] = one.name
    return HttpResponseRedirect(stashed.get("next") or reverse("admin:index"))


def confirm(
    request: HttpRequest, one: ProviderSettings, claims: dict[str, Any], stashed: dict[str, Any]
) -> HttpResponse:
    """Counts if it is the same person, and they proved it after they were asked here."""
    identity = known(one, str(claims["sub"]))
    if identity is None or not constant_time_compare(str(identity.user_id), str(request.user.pk)):
        raise Refused("somebody else logged in there than is logged in here")
    if settings.SECOND_FACTOR_FOR_PROVIDERS and has_any(identity.user):
        raise Refused("your second factor here is asked for as well")
    if proved_at(claims) < stashed["data"]["at"] - SKEW:
        raise Refused("it does not say that you proved just now who you are (auth_time)")
    request.session[CONFIRMED] = time.time()
    return HttpResponseRedirect(stashed.get("next") or reverse("admin:index"))


def refuse(request: HttpRequest, one: ProviderSettings, error: Exception) -> HttpResponse:
    """Told to the person, written down, and logged: in words of ours alone, since theirs may hold tokens."""
    why, what_next = explained(error)
    user = getattr(error, "user", None)
    log.warning("single sign-on by %s failed: %s (%s)", one.name, why, type(error).__name__)
    log_in_refused.send(type(error), name=user.get_username() if user else "", way=one.label, why=why)
    if is_flooding(request):
        return too_many(request)
    if request.user.is_authenticated:
        messages.error(request, f"{one.label} did not confirm that it is you: {why}. {what_next}")
        return redirect("admin:index")
    messages.error(request, f"You could not be logged in by {one.label}: {why}. {what_next}")
    return redirect("admin:login")


def explained(error: Exception) -> tuple[str, str]:
    """Why, and what to do next."""
    if isinstance(error, ProviderUnreachable):
        return f"it could not be reached ({error})", "Try again in a moment; if it lasts, tell whoever runs DevinSync."
    asks = settings.ASK_FOR_ACCESS or "an administrator"
    if isinstance(error, Refused):
        return str(error), f"Try again; if it happens again, ask {asks}."
    why = "it did not take DevinSync for the client that it knows, or answered in a way that can't be read"
    return why, f"Ask {asks} to compare SSO_…_CLIENT_ID and SSO_…_CLIENT_SECRET with what stands there."
