"""Bodies that are forms, as Infisical's GitHub action sends them.

What a form says is text. Whether `true` means a switch or a value is known to the field alone, so each text is marked
as one of a form, and `Switch` and `WholeNumber` read it.
"""

import re
from typing import Annotated, Any
from urllib.parse import parse_qsl

from ninja.errors import HttpError
from pydantic import BeforeValidator, StrictBool, StrictInt

FORM = "application/x-www-form-urlencoded"
BAD_FORM = "The body is not a valid form: send UTF-8, with at most 1,000 fields, three deep."
MOST_FIELDS = 1000
DEEPEST = 3


def read_form(body: bytes) -> dict[str, Any]:
    """`a=1&b[c]=2` as an object; of a name that comes twice, the last counts."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HttpError(400, BAD_FORM) from None
    form: dict[str, Any] = {}
    for name, text in pairs:
        *outer, last = [part.rstrip("]") for part in name.split("[")]
        place = form
        if len(outer) > DEEPEST:
            raise HttpError(400, BAD_FORM)
        for part in outer:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise HttpError(400, BAD_FORM)
            place = inner
        place[last] = FormText(text)
    return form


class FormText(str):
    """A text that came in a form, where nothing but texts can be said."""


def _read_switch(given: Any) -> Any:
    return {"true": True, "false": False}.get(given, given) if isinstance(given, FormText) else given


def _read_number(given: Any) -> Any:
    is_number = isinstance(given, FormText) and re.fullmatch(r"-?[0-9]{1,15}", given)
    return int(given) if is_number else given


Switch = Annotated[StrictBool, BeforeValidator(_read_switch)]
WholeNumber = Annotated[StrictInt, BeforeValidator(_read_number)]
