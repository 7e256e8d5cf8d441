"""Logging in by what a reverse proxy says: the header in which it names a person who has proved to it who they are.

It counts from the addresses in `LOGIN_PROXIES` alone, judged by the other end of the socket, which no header changes.
From anywhere else it is as if it were not there.

    what the proxy says          what becomes of it
    a person who may log in      their session begins, without a proof of who they are for what is grave
    nobody, or somebody else     a session that began by the header ends
    a name that nobody has       refused; with LOGIN_CREATES_PEOPLE an account is made that may do nothing
    somebody who is not active   refused
    two names, or what is none   refused
"""

import logging
import re
import time

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import ADDITION
from django.contrib.auth import login, logout
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.machines import is_reserved
from accounts.record import write_down
from common.addresses import is_allowed
from common.log_ins import BY_HEADER, log_in_refused
from common.middleware import GetResponse
from common.returning import way_on

log = logging.getLogger(__name__)

# As Django takes for a name, in ASCII: between two headers stands a comma, and no letter looks like another.
NAME = re.compile(r"[A-Za-z0-9_.@+-]{1,150}")
SECONDS = re.compile(r"[0-9]{1,12}")
BACKEND = "django.contrib.auth.backends.ModelBackend"
# Clocks of two machines differ a little.
SKEW = 60
MOST_TOLD = 100
# Peers that sent the header and may not: told once each, of the first.
_told: set[str] = set()


class HeaderLogInMiddleware:
    """Stands behind the authentication's own, and before what asks how long a session may live."""

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.LOGIN_HEADER:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Scripts bring tokens, and know no session.
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        name = asserted(request)
        if request.user.is_authenticated and request.user.get_username() != name and _must_end(request, name):
            logout(request)
        if name and not request.user.is_authenticated and request.method in ("GET", "HEAD"):
            user = person_named(request, name)
            if user is not None:
                return self._begin(request, user)
        return self._let_out(request, self.get_response(request))

    def _begin(self, request: HttpRequest, user: User) -> HttpResponse:
        setattr(request, BY_HEADER, True)
        login(request, user, backend=BACKEND)
        request.session[BY_HEADER] = True
        # The log-in page would lead to the first page, whatever page was wanted.
        if request.path_info == "/admin/login/":
            return HttpResponseRedirect(way_on(request) or reverse("admin:index"))
        return self.get_response(request)

    def _let_out(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        is_way_out = request.method == "POST" and request.path_info == "/admin/logout/" and response.status_code == 200
        return HttpResponseRedirect(settings.LOGOUT_PATH) if is_way_out and settings.LOGOUT_PATH else response


def _must_end(request: HttpRequest, name: str) -> bool:
    """A session of the header's ends without it, one of a password where the proxy names another person."""
    return bool(request.session.get(BY_HEADER) or name)


def asserted(request: HttpRequest) -> str:
    """Whom a trusted proxy names; "" for nobody."""
    said = _said(request, settings.LOGIN_HEADER)
    if not said:
        return ""
    if not NAME.fullmatch(said) or is_reserved(said):
        _refuse(request, "what it says is no name of one person")
        return ""
    return said


def proved_at(request: HttpRequest) -> float:
    """When the person last proved to the proxy who they are, in seconds since the epoch; 0 where it does not say."""
    if not settings.LOGIN_TIME_HEADER or not request.session.get(BY_HEADER):
        return 0
    said = _said(request, settings.LOGIN_TIME_HEADER)
    if not SECONDS.fullmatch(said) or asserted(request) != request.user.get_username():
        return 0
    return float(said) if float(said) <= time.time() + SKEW else 0


def person_named(request: HttpRequest, name: str) -> User | None:
    """Who may log in under the name; made, if unknown people are let in."""
    user = User.objects.filter(username=name).first()
    if user is None and settings.LOGIN_CREATES_PEOPLE:
        user = _make(name)
    if user is not None and user.is_active and user.is_staff:
        return user
    _refuse(request, "nobody here has this name" if user is None else "this account may not log in", user=user)
    return None


def _make(name: str) -> User:
    """An account that may log in and nothing else: an administrator gives it what it is for."""
    made, is_new = User.objects.get_or_create(
        username=name, defaults={"is_staff": True, "password": make_password(None)}
    )
    if is_new:
        what = f"Made at the first log-in by {settings.LOGIN_HEADER}, without a right."
        write_down(made, made, what, flag=ADDITION)
    return made


def _said(request: HttpRequest, header: str) -> str:
    said = request.headers.get(header, "").strip()
    peer = str(request.META.get("REMOTE_ADDR", ""))
    if said and not is_allowed(peer, settings.LOGIN_PROXIES):
        _tell_once(peer, header)
        return ""
    return said


def _tell_once(peer: str, header: str) -> None:
    if peer not in _told and len(_told) < MOST_TOLD:
        _told.add(peer)
        log.warning("%s came from %s, which is not among LOGIN_PROXIES, and was ignored", header, peer)


def _refuse(request: HttpRequest, why: str, *, user: User | None = None) -> None:
    """Told and noted where a person is asked to log in, and so once for each try."""
    if request.path_info != "/admin/login/" or request.method != "GET":
        return
    messages.error(request, f"You could not be logged in by your organization's log-in: {why}.")
    log_in_refused.send(
        HeaderLogInMiddleware, name=user.get_username() if user else "", way=settings.LOGIN_HEADER, why=why
    )
