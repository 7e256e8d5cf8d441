"""Small middlewares: a request id on every request, no NUL, health routes, and no caching of private pages."""

import re
from uuid import uuid4

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse

from common.database_faults import TRY_AGAIN
from common.middleware import NO_NUL, GetResponse, holds_nul
from common.request_ids import LONGEST, request_id
from common.version import VERSION
from devinsync_site.readiness import problems

REQUEST_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST}}}")


class RequestIdMiddleware:
    """Takes `X-Request-Id` from the client, if it is a plain word, or makes one; answers with it and logs it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        own = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        token = request_id.set(own)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-Id"] = own
        return response


class AddressMiddleware:
    """Refuses NUL in an address."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if holds_nul(request):
            raise BadRequest(NO_NUL)
        return self.get_response(request)


class HealthMiddleware:
    """Answers `/healthz` and `/readyz` before host checks and sessions, so that a probe by address works."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return JsonResponse({"status": "ok", "version": VERSION})
        if request.path_info == "/readyz":
            return ready()
        return self.get_response(request)


def ready() -> HttpResponse:
    """`problems` says what is wrong, a sentence a part."""
    found = problems()
    body: dict[str, object] = {"status": "unavailable" if found else "ok"}
    body |= {part: "unavailable" if part in found else "ok" for part in ("database", "queue", *found)}
    if not found:
        return JsonResponse(body)
    body["problems"] = list(found.values())
    return JsonResponse(body, status=503, headers={"Retry-After": str(TRY_AGAIN)})


class NoStoreMiddleware:
    """Keeps every page that a signed-in person sees out of caches and out of the browser's history."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control") or request.user.is_authenticated:
            response["Cache-Control"] = "no-store"
        return response
