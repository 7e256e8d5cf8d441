"""The API's errors, and the one envelope that all of them leave in: `{reqId, statusCode, message, error}`.

ApiError(message)          status, error
├── BadRequest             400 BadRequest
├── NotAuthenticated       401 Unauthorized, with WWW-Authenticate
├── TokenError             403 TokenError: a genuine token that has expired
├── NotPermitted           403 PermissionDenied
├── NotFoundError          404 NotFound
├── Conflict               409 Conflict
├── Unprocessable          422 ValidationFailure; `message` is the list of issues
└── TooManyRequests        429 RateLimit, with Retry-After

A database that is busy or not there is 503 ServiceUnavailable, with Retry-After: nothing is wrong with the request.

Nothing that a client sent is repeated in a list of issues: it may be a value.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, RequestDataTooBig, ValidationError
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as InputError

from common.database_faults import TRY_AGAIN, describe, is_database_fault
from common.places import places
from common.request_ids import current_request_id
from connections.devin.errors import DevinError
from connections.models import ChangedMeanwhile
from encryption import DecryptionError
from sources.errors import SourceError
from syncs.errors import EditRefused, SyncError
from vault.errors import FolderMissing, InUse, Invalid, Missing, NotAllowed, Outdated, Taken, VaultError

log = logging.getLogger(__name__)

NAMES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "PermissionDenied",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "PayloadTooLarge",
    422: "ValidationFailure",
    429: "RateLimit",
    503: "ServiceUnavailable",
}
# A writer that waits in vain for another has waited for SQLite's patience of 20 seconds already.
BUSY = (OperationalError, InterfaceError, InternalError)
CHALLENGE = 'Bearer realm="DevinSync"'


class ApiError(Exception):
    status = 400
    name = "BadRequest"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message: str | list[dict[str, Any]] = message

    @property
    def headers(self) -> dict[str, str]:
        return {}


class BadRequest(ApiError):
    pass


class NotAuthenticated(ApiError):
    status, name = 401, "Unauthorized"

    def __init__(self, message: str, *, is_invalid: bool = False) -> None:
        super().__init__(message)
        self.is_invalid = is_invalid

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"' if self.is_invalid else CHALLENGE}


class TokenError(ApiError):
    status, name = 403, "TokenError"


class NotPermitted(ApiError):
    status, name = 403, "PermissionDenied"


class NotFoundError(ApiError):
    status, name = 404, "NotFound"


class Conflict(ApiError):
    status, name = 409, "Conflict"


class Unprocessable(ApiError):
    status, name = 422, "ValidationFailure"

    def __init__(self, *issues: dict[str, Any]) -> None:
        super().__init__("")
        self.message = list(issues)

    @classmethod
    def at(cls, *path: str, message: str) -> "Unprocessable":
        return cls(issue(path, message))


class TooManyRequests(ApiError):
    status, name = 429, "RateLimit"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} seconds.")
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


def issue(path: Any, message: str, code: str = "custom") -> dict[str, Any]:
    return {"code": code, "path": list(path), "message": message}


def respond(
    status: int, message: Any, *, name: str = "", headers: Mapping[str, str] | None = None, **extra: str
) -> HttpResponse:
    body = {
        "reqId": current_request_id(),
        "statusCode": status,
        "message": message,
        "error": name or NAMES.get(status, "BadRequest" if status < 500 else "InternalServerError"),
        **extra,
    }
    return JsonResponse(body, status=status, headers=dict(headers or {}))


def register(api: NinjaAPI) -> None:
    for kind, handler in HANDLERS:
        api.add_exception_handler(kind, handler)


def _on_api_error(request: HttpRequest, error: Any) -> HttpResponse:
    return respond(error.status, error.message, name=error.name, headers=error.headers)


def _on_input_error(request: HttpRequest, error: Any) -> HttpResponse:
    return respond(422, [_as_issue(found) for found in error.errors])


def _as_issue(found: Mapping[str, Any]) -> dict[str, Any]:
    """Where and what, without the input itself. The first parts of a place tell only how the input was sent."""
    place = [part for part in found["loc"] if not str(part).startswith(("function-", "tagged-union"))]
    path = place[2:] if place and place[0] == "body" else place[1:]
    return issue(path, str(found["msg"]).removeprefix("Value error, "), str(found["type"]))


def _on_model_error(request: HttpRequest, error: Any) -> HttpResponse:
    """What a model refuses, with the model's fields as the API spells them."""
    issues = []
    for field, messages in error.message_dict.items() if hasattr(error, "error_dict") else [("", error.messages)]:
        path = [] if field in ("", NON_FIELD_ERRORS) else [_camel(field)]
        issues += [issue(path, message) for message in messages]
    return respond(422, issues)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _on_http_error(request: HttpRequest, error: Any) -> HttpResponse:
    """What our own parser says of a body, Ninja hides behind an error of its own."""
    cause = error.__cause__
    if isinstance(cause, ApiError):
        return _on_api_error(request, cause)
    shown = cause if isinstance(cause, HttpError) else error
    return respond(shown.status_code, str(shown))


def _answer(status: int, text: Callable[[Any], str] = str) -> Callable[[HttpRequest, Any], HttpResponse]:
    def handler(request: HttpRequest, error: Any) -> HttpResponse:
        return respond(status, text(error))

    return handler


def _without_quotes(error: EditRefused) -> str:
    """As the API names things: bare, so that a script can look for a name in the message."""
    return error.message.replace("“", "").replace("”", "")


def _on_editing_error(request: HttpRequest, error: Any) -> HttpResponse:
    return respond(422, [issue([error.field] if error.field else [], error.message)])


def on_busy(request: HttpRequest, error: DatabaseError | InterfaceError) -> HttpResponse:
    """The database was locked, restarting or out of reach. What a driver says of it may hold its address."""
    log.warning("%s %s waited in vain (%s) at %s", request.method, request.path, type(error).__name__, places(error))
    if not is_database_fault(error):
        return _on_bug(request, error)
    message = f"{describe(error)} Try again in {TRY_AGAIN} seconds."
    return respond(503, message, headers={"Retry-After": str(TRY_AGAIN)})


def _on_bug(request: HttpRequest, error: Exception) -> HttpResponse:
    """A fault of ours. Its text could hold anything, so the log gets its type and its place alone."""
    log.error("%s %s ended by %s at %s", request.method, request.path, type(error).__name__, places(error))
    return respond(500, "Something went wrong here. The server's log tells more under this request's ID.")


HANDLERS: list[tuple[type[Exception], Callable[[HttpRequest, Any], HttpResponse]]] = [
    (Exception, _on_bug),
    *((kind, on_busy) for kind in BUSY),
    (HttpError, _on_http_error),
    (InputError, _on_input_error),
    (ApiError, _on_api_error),
    (ValidationError, _on_model_error),
    (PermissionDenied, _answer(403, lambda error: str(error) or "You do not have the permission for this.")),
    (Http404, _answer(404, lambda error: "There is nothing here.")),
    (RequestDataTooBig, _answer(413, lambda error: "The request is too large.")),
    (ProtectedError, _answer(400, lambda error: "Others depend on this. Remove what uses it, then try again.")),
    (RestrictedError, _answer(400, lambda error: "Others depend on this. Remove what uses it, then try again.")),
    (ChangedMeanwhile, _answer(409)),
    (DevinError, _answer(400)),
    (SyncError, _answer(400)),
    (EditRefused, _answer(400, _without_quotes)),
    (DecryptionError, _answer(400)),
    (VaultError, _answer(400)),
    (NotAllowed, _answer(403)),
    (SourceError, _answer(400)),
    (FolderMissing, _answer(404)),
    (Invalid, _on_editing_error),
    (Taken, _answer(400)),
    (InUse, _answer(400)),
    (Missing, _answer(404)),
    (Outdated, _answer(409)),
]
