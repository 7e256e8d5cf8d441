"""`ETag` and `If-None-Match`: whoever holds the answer already gets 304, before anything is opened or resolved."""

import json
from hashlib import sha256

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from ninja.operation import Operation

HEADER = "If-None-Match"
DECLARATION = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The ETag of an answer that one has: 304, without a body, if it would be the same.",
    "schema": {"type": "string", "maxLength": 1024},
}


def etag_of(*parts: object) -> str:
    """A strong validator: the parts say all that the answer is made from."""
    return f'"{sha256(json.dumps(parts, default=str).encode()).hexdigest()[:40]}"'


def not_modified(request: HttpRequest, etag: str) -> HttpResponse | None:
    """304 for one who has this very answer."""
    held = [each.removeprefix("W/") for each in parse_etags(request.headers.get(HEADER, ""))]
    if etag not in held and "*" not in held:
        return None
    answer = HttpResponseNotModified()
    answer["ETag"] = etag
    return answer


def declare_conditional(operation: Operation) -> None:
    """For the document."""
    operation.openapi_extra = {"parameters": [DECLARATION]}
