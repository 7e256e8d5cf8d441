"""Reads bodies: JSON, strictly (no NaN, no characters that no database keeps), and forms."""

import json
from typing import Any

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.parser import Parser

from api.http.echoes import without_echoes
from api.http.forms import FORM, read_form

BAD_JSON = "The body is not valid JSON."
BAD_TEXT = "A text in the body has characters that cannot be stored: NUL, or half of a surrogate pair."


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        body = read_form(request.body) if request.content_type == FORM else _read_json(request.body)
        if not is_storable(body):
            raise HttpError(400, BAD_TEXT)
        return without_echoes(request, body)


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise HttpError(400, BAD_JSON) from None


def is_storable(body: Any) -> bool:
    if isinstance(body, str):
        return "\0" not in body and not any("\ud800" <= char <= "\udfff" for char in body)
    if isinstance(body, dict):
        return all(is_storable(part) for pair in body.items() for part in pair)
    if isinstance(body, list):
        return all(is_storable(part) for part in body)
    return True
