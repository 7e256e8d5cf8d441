"""`Idempotency-Key`: a request that is sent again gets the answer of the first, and does nothing a second time.

The same key with another body is refused (422), and while the first request is under way (409). Only answers of
success are kept, for a day: a request that was refused may be sent again.
"""

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja.operation import Operation
from ninja.utils import contribute_operation_callback
from pydantic import BaseModel

from api.auth.callers import caller_of
from api.http.errors import Conflict, Unprocessable
from api.models import IdempotencyKey
from common.cleaning import delete_some
from encryption import fingerprint, key_id_of, seal, unseal

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(days=1)
# Longer than any request takes: a row without an answer after this time belongs to a process that died.
UNDER_WAY = timedelta(minutes=2)

DECLARATION = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key and body again get the first answer, and nothing is done twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

View = TypeVar("View", bound=Callable[..., Any])


def idempotent(view: View) -> View:
    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(HEADER, "").strip()
        if not key:
            return view(request, *args, **kwargs)
        row = _find_or_claim(request, _clean(key))
        if row.sealed_answer:
            return _respond(unseal(row.sealed_answer, context=row.sealing_context()), is_repeat=True)
        try:
            answer = _as_json(view(request, *args, **kwargs))
        except BaseException:
            row.delete()
            raise
        row.sealed_answer = seal(answer, context=row.sealing_context())
        row.save(update_fields=["sealed_answer"])
        return _respond(answer, is_repeat=False)

    contribute_operation_callback(wrapper, declare_header)
    return cast(View, wrapper)


def declare_header(operation: Operation) -> None:
    """For the document."""
    operation.openapi_extra = {"parameters": [DECLARATION]}


def _clean(key: str) -> str:
    if len(key) > 255 or not key.isprintable():
        raise Unprocessable.at(HEADER, message="An Idempotency-Key has at most 255 printable characters.")
    return key


def _find_or_claim(request: HttpRequest, key: str) -> IdempotencyKey:
    """The row of an earlier, answered request, or a new one that this request has to answer."""
    user, now = caller_of(request).user, timezone.now()
    lost = Q(sealed_answer="", created_at__lt=now - UNDER_WAY)
    IdempotencyKey.objects.filter(lost | Q(created_at__lt=now - KEPT_FOR), user=user, key=key).delete()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(user=user, key=key, fingerprint=_fingerprint(request))
    except IntegrityError:
        row = IdempotencyKey.objects.filter(user=user, key=key).first()
    if row is None:
        raise Conflict("A request with this Idempotency-Key has just failed. Send it again.")
    if row.fingerprint != _fingerprint(request, key_id=key_id_of(row.fingerprint)):
        raise Unprocessable.at(HEADER, message="This key was used for another request. Choose a new one.")
    if not row.sealed_answer:
        raise Conflict("The first request with this Idempotency-Key is still under way. Send it again in a moment.")
    return row


def _fingerprint(request: HttpRequest, *, key_id: str | None = None) -> str:
    """Of the request and of what its token may do: a narrower token must not be given a wider one's answer."""
    body = request.body.decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode()
    scopes = " ".join(sorted(caller_of(request).scopes))
    return fingerprint("api request", str(request.method), request.get_full_path(), scopes, body, key_id=key_id)


def _as_json(result: BaseModel) -> str:
    return result.model_dump_json(by_alias=True, exclude_unset=True)


def _respond(answer: str, *, is_repeat: bool) -> HttpResponse:
    headers = {"Idempotent-Replayed": "true"} if is_repeat else {}
    return HttpResponse(answer, content_type="application/json; charset=utf-8", headers=headers)


def clean_keys() -> bool:
    """Deletes some of the answers that are no longer repeated."""
    return delete_some(IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).order_by("created_at"))
