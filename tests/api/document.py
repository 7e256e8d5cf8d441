"""The API's document, worked out once in a process: each file that goes through its routes took a second to do so."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.urls import reverse


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The method and the path of each route, and what the document says of it, to change as one likes."""
    for path, item in json.loads(_document())["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


@cache
def _document() -> str:
    from api.app import api

    reverse("api:openapi-json")
    return json.dumps(api.get_openapi_schema())
