"""`/metrics`, for a Prometheus that has the token; and the counting of requests."""

import hashlib
import hmac
import logging
import time

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from common.counting import Counter, Histogram
from common.database_faults import TRY_AGAIN, describe
from common.middleware import GetResponse
from metrics.exposition import expose

log = logging.getLogger(__name__)

PATH = "/metrics"
AREAS = ("admin", "api", "hooks", "metrics", "healthz", "readyz", "static")
STATUSES = ("200", "201", "204", "302", "304", "400", "401", "403", "404", "409", "422", "429", "500", "503")
ANSWERED = Counter(
    "devinsync_http_requests_total",
    "Requests that DevinSync answered, by where they went.",
    {"area": AREAS, "status": STATUSES},
)
ANSWER_TIME = Histogram(
    "devinsync_http_request_duration_seconds",
    "How long such a request took; one of the API that waits for a run takes as long as it was told to.",
    {"area": AREAS},
)


class CountingMiddleware:
    """Counts each request by the first part of its path and by the status of its answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        response = self.get_response(request)
        area = request.path_info.lstrip("/").partition("/")[0]
        ANSWERED.add(area=area, status=str(response.status_code))
        ANSWER_TIME.observe(time.monotonic() - began, area=area)
        return response


class MetricsMiddleware:
    """Answers `/metrics` before host checks, redirects and sessions: a Prometheus asks by an address, in plain HTTP,
    within the cluster. Without `METRICS_TOKEN` there is no such page.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != PATH or not settings.METRICS_TOKEN:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not _has_token(request):
            return _say("This page needs the token in METRICS_TOKEN.\n", 401, **{"WWW-Authenticate": "Bearer"})
        return _answer()


def _answer() -> HttpResponse:
    try:
        return HttpResponse(expose(), content_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"})
    except (DatabaseError, InterfaceError) as error:
        log.warning("could not answer a scrape: %s", describe(error))
        return _say(f"{describe(error)}\n", 503, **{"Retry-After": str(TRY_AGAIN)})


def _say(text: str, status: int, **headers: str) -> HttpResponse:
    headers["Cache-Control"] = "no-store"
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8", headers=headers)


def _has_token(request: HttpRequest) -> bool:
    """Compared by digests, which takes the same time whatever was sent."""
    kind, _, sent = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(_digest(sent.strip()), _digest(settings.METRICS_TOKEN))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
