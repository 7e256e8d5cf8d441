"""Times on pages in the viewer's own zone, which their browser names in a cookie (`shell.js`); UTC until it has."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

COOKIE = "viewer-zone"
LONGEST = 64  # letters; the longest name of a zone has about half of that


def viewer_zone(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware. The API answers in UTC, whoever asks."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        named = "" if request.path_info.startswith("/api/") else request.COOKIES.get(COOKIE, "")
        with timezone.override(zone_named(named)):
            return get_response(request)

    return respond


def zone_named(name: str) -> ZoneInfo | None:
    """None for a name that is none: times are then the site's."""
    if not 0 < len(name) <= LONGEST:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
