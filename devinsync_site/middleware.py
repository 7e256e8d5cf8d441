"""Small middlewares: a request id on every request, health routes, and no caching of private pages."""

import re
from collections.abc import Callable
from uuid import uuid4

import django_rq
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from common.middleware import GetResponse
from common.request_ids import LONGEST, request_id
from common.version import VERSION

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


class HealthMiddleware:
    """Answers `/healthz` and `/readyz` before host checks and sessions, so that a probe by address works."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return JsonResponse({"status": "ok", "version": VERSION})
        if request.path == "/readyz":
            return ready()
        return self.get_response(request)


def ready() -> HttpResponse:
    parts = {"database": _works(_ask_database), "queue": _works(_ask_queue)}
    is_ready = all(parts.values())
    body = {"status": "ok" if is_ready else "unavailable"} | {
        name: "ok" if works else "unavailable" for name, works in parts.items()
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _works(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (DatabaseError, RedisError, OSError):
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_queue() -> None:
    django_rq.get_connection("default").ping()


class NoStoreMiddleware:
    """Keeps every page that a signed-in person sees out of caches and out of the browser's history."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control") or request.user.is_authenticated:
            response["Cache-Control"] = "no-store"
        return response
