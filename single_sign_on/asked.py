"""What was asked of providers, remembered by the browser that asked: in a cookie, signed, for ten minutes. So nobody
fills a table by beginning log-ins without end; a session there is once a provider has answered.

What is remembered is the browser's own business: to which page it is led, and by what it proves that it has asked. That
it counts once is seen to where the answer comes from: a code, or an assertion, counts once there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest, HttpResponse

COOKIE = "devinsync_asked"
KEPT = 600
# Of a cookie browsers hold 4,096 bytes: what was asked before gives way, and no page to be led to is longer.
ROOM, LONGEST_WAY = 1500, 600
ASKED = "_devinsync_asked"

View = Callable[[HttpRequest, str], HttpResponse]


class Asked(SessionStore):
    """A session of Django's, as the libraries want one to remember in, that is its own cookie."""

    def get_session_cookie_age(self) -> int:
        return KEPT


def in_a_cookie(view: View) -> View:
    """Gives the browser what `remembering` has changed."""

    @wraps(view)
    def remembered(request: HttpRequest, name: str) -> HttpResponse:
        response = view(request, name)
        asked = getattr(request, ASKED, None)
        if asked is None or not asked.modified:
            return response
        asked.save()
        response.set_cookie(
            COOKIE,
            asked.session_key,
            max_age=KEPT,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    return remembered


@contextmanager
def remembering(request: HttpRequest, *, more: bool = False) -> Iterator[SessionBase]:
    """Lets the request's session be the cookie; `more` is to come into it."""
    session, cookie = request.session, request.COOKIES.get(COOKIE, "")
    request.session = Asked(cookie if cookie and not (more and len(cookie) > ROOM) else None)
    try:
        yield request.session
    finally:
        setattr(request, ASKED, request.session)
        request.session = session
