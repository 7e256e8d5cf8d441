"""Who has to have a second factor, and what waits until they have given it, or set one up.

began by                   has one              has none, and has to
a password here            gives it first       sets one up first
a proxy's header, or SSO   is not asked         is not asked: the provider is in charge
  with SECOND_FACTOR_FOR_PROVIDERS, both as for a password here
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect
from django.urls import reverse

from accounts.presence import is_refresh
from accounts.second_factor.factors import has_any
from common.log_ins import BY_HEADER
from common.middleware import GetResponse
from common.returning import with_way_back

# On a request: that the log-in took the second factor too. In a session: that it is still to be given.
GIVEN, OWED = "_second_factor_given", "second_factor_owed"
EVERYONE = "everyone"
PROVIDERS = "single_sign_on."
# What somebody may do who has to give theirs, or to set one up.
ASKING = frozenset({"admin:log_in_second_factor", "admin:logout", "admin:login", "admin:jsi18n"})
SETTING_UP = frozenset(
    {"admin:second_factor", "admin:second_factor_app", "admin:second_factor_key", "admin:confirm_identity"}
)


def connect() -> None:
    user_logged_in.connect(begin, dispatch_uid="accounts.second_factor.required")


def begin(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    """A log-in by another way than the page in two steps owes what that page would have asked for."""
    if request is None or not hasattr(request, "session") or getattr(request, GIVEN, False):
        return
    if not is_exempt(request) and has_any(user):
        request.session[OWED] = True


def is_exempt(request: HttpRequest) -> bool:
    by_header = getattr(request, BY_HEADER, False) or request.session.get(BY_HEADER)
    by_provider = by_header or str(request.session.get(BACKEND_SESSION_KEY, "")).startswith(PROVIDERS)
    return bool(by_provider) and not settings.SECOND_FACTOR_FOR_PROVIDERS


def is_required(user: User) -> bool:
    """By the settings alone: whether this person has to have one."""
    names = settings.SECOND_FACTOR_REQUIRED
    if not names or EVERYONE in names:
        return bool(names)
    # Who may do everything may do what those groups may.
    return user.is_superuser or user.groups.filter(name__in=names).exists()


def unknown_groups() -> list[str]:
    """Names in the setting that are no group's: whoever wrote them meant somebody."""
    named = set(settings.SECOND_FACTOR_REQUIRED) - {EVERYONE}
    return sorted(named.difference(Group.objects.filter(name__in=named).values_list("name", flat=True)))


def must_set_up(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User) or not settings.SECOND_FACTOR_REQUIRED or is_exempt(request):
        return False
    return is_required(user) and not has_any(user)


class SecondFactorMiddleware:
    """Leads to the page that asks for it, or to the one that sets it up. Stands behind what ends sessions."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in ASKING or not request.user.is_authenticated:
            return None
        if request.session.get(OWED):
            return _lead(request, "admin:log_in_second_factor", "Your second factor is asked for first.")
        if match.view_name in SETTING_UP or not must_set_up(request):
            return None
        return _lead(request, "admin:second_factor", "You have to set up a second factor first.")


def _lead(request: HttpRequest, name: str, why: str) -> HttpResponse:
    if is_refresh(request):
        return HttpResponseForbidden(why)
    address = request.get_full_path() if request.method == "GET" else reverse("admin:index")
    return redirect(with_way_back(reverse(name), address))
