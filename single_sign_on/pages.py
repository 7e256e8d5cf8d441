"""The way to a provider and back, to log in or to prove again who one is.

purpose     asked of the provider                  what comes of it
log in      a proof no older than a session lives  a session; the proof counts for what is grave while it is fresh
confirm     a proof now                            the same person's session goes on, confirmed
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
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from accounts.presence import CONFIRMED
from accounts.second_factor.factors import has_any
from common.log_ins import BY_PROVIDER, PROVED_AT, log_in_refused
from common.returning import way_on, with_query
from common.single_sign_on_settings import ProviderSettings
from single_sign_on.models import Identity
from single_sign_on.outgoing import ProviderUnreachable
from single_sign_on.people import let_in
from single_sign_on.protocol import Adapter, Callback, Provider, discover
from single_sign_on.tokens import SKEW, Refused, proved_at

log = logging.getLogger(__name__)

BACKEND = "single_sign_on.backends.ProviderBackend"
LOG_IN, CONFIRM = "log_in", "confirm"
# What allauth lets out where an answer has another shape than it should.
UNREADABLE = (OAuth2Error, requests.RequestException, ValueError, KeyError, TypeError, AttributeError)


def provider_named(name: str) -> ProviderSettings:
    one: ProviderSettings | None = settings.SSO_PROVIDERS.get(name)
    if one is None:
        raise Http404
    return one


@require_safe
def begin(request: HttpRequest, name: str) -> HttpResponse:
    """Only reading, and only asking: whoever makes a browser open it has it log in its own person."""
    one = provider_named(name)
    asks_again = bool(request.GET.get(CONFIRM)) and request.user.is_authenticated
    seconds = int(settings.SESSION_LONGEST.total_seconds())
    more = {"prompt": "login", "max_age": "0"} if asks_again else {"max_age": str(seconds)}
    purpose = CONFIRM if asks_again else LOG_IN
    try:
        return Provider(request, one).ask(request, next_url=way_on(request), purpose=purpose, **more)
    except UNREADABLE as error:
        return refuse(request, one, error)


@require_safe
def callback(request: HttpRequest, name: str) -> HttpResponse:
    one = provider_named(name)

    def conclude(claims: dict[str, Any], stashed: dict[str, Any]) -> HttpResponse:
        is_confirming = (stashed.get("data") or {}).get("purpose") == CONFIRM
        return (confirm if is_confirming else log_in)(request, one, claims, stashed)

    try:
        answer: HttpResponse = Callback.adapter_view(Adapter(request, one, conclude))(request)
    except UNREADABLE as error:
        return refuse(request, one, error)
    return answer


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
    known = Identity.objects.filter(issuer=one.issuer, subject=str(claims["sub"])).first()
    if known is None or not constant_time_compare(str(known.user_id), str(request.user.pk)):
        raise Refused("somebody else logged in there than is logged in here")
    if settings.SECOND_FACTOR_FOR_PROVIDERS and has_any(known.user):
        raise Refused("your second factor here is asked for as well")
    if proved_at(claims) < stashed["data"]["at"] - SKEW:
        raise Refused("it does not say that you proved just now who you are (auth_time)")
    request.session[CONFIRMED] = time.time()
    return HttpResponseRedirect(stashed.get("next") or reverse("admin:index"))


@require_safe
def end(request: HttpRequest, name: str) -> HttpResponse:
    """To where the provider ends its own session, for whoever has ended the one here (RP-Initiated Logout 1.0)."""
    one = provider_named(name)
    try:
        address = discover(one).get("end_session_endpoint")
    except UNREADABLE as error:
        return refuse(request, one, error)
    if not one.offers_log_out or not isinstance(address, str):
        raise Http404
    back = request.build_absolute_uri(reverse("admin:login"))
    return HttpResponseRedirect(with_query(address, client_id=one.client_id, post_logout_redirect_uri=back))


def refuse(request: HttpRequest, one: ProviderSettings, error: Exception) -> HttpResponse:
    """Told to the person, written down, and logged: in words of ours alone, since theirs may hold tokens."""
    why, what_next = explained(error)
    user = getattr(error, "user", None)
    log.warning("single sign-on by %s failed: %s (%s)", one.name, why, type(error).__name__)
    log_in_refused.send(type(error), name=user.get_username() if user else "", way=one.label, why=why)
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


ROUTES = {
    "sso_begin": ("log-in/at/<slug:name>/", begin),
    "sso_callback": ("log-in/at/<slug:name>/callback/", callback),
    "sso_end": ("log-in/at/<slug:name>/log-out/", end),
}
