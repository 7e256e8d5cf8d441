"""Query parameters that a reading route does not know are refused, because an ignored filter hands out too much.

Allowed besides those that the document declares: one without a value, which filters nothing, one that repeats what the
address says, and a project for connections, which belong to the whole installation. What lists no more than projects
and options takes anything.
"""

import re
from difflib import get_close_matches
from typing import Any

from django.http import HttpRequest

from api.http.echoes import agrees_with_address
from api.http.errors import BadRequest

READING = ("GET", "HEAD")
LENIENT = ("/api/v1/projects", "/api/v1/workspace", "/api/v2/workspace")
OPTIONS = "/options"
OF_ALL_PROJECTS = "api/v1/app-connections"
OF_PROJECTS = frozenset(["projectId", "workspaceId"])
CONVERTED = re.compile(r"<(?:\w+:)?(\w+)>")


def declared_parameters(document: dict[str, Any]) -> dict[str, frozenset[str]]:
    """By path, the query parameters of each route that reads more than projects and options."""
    return {
        path: frozenset(part["name"] for part in item["get"].get("parameters", []) if part["in"] == "query")
        for path, item in document["paths"].items()
        if item.get("get", {}).get("security") and not path.startswith(LENIENT) and not path.endswith(OPTIONS)
    }


def check_parameters(request: HttpRequest, declared: dict[str, frozenset[str]]) -> None:
    """Raises BadRequest for a parameter that is unknown or stands there twice with different values."""
    match = request.resolver_match
    if match is None or request.method not in READING:
        return
    known = declared.get("/" + CONVERTED.sub(r"{\1}", match.route))
    if known is None:
        return
    if match.route.startswith(OF_ALL_PROJECTS):
        known |= OF_PROJECTS
    for name, values in request.GET.lists():
        if name not in known and any(values) and not agrees_with_address(request, name, values[-1]):
            raise BadRequest(_describe(name, known))
        if len(set(values)) > 1:
            raise BadRequest(f"The query parameter {name[:64]} stands there more than once. Send it once.")


def _describe(name: str, known: frozenset[str]) -> str:
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(name.replace("_", "").lower(), by_lower, n=1, cutoff=0.6)
    hint = f"Did you mean {by_lower[near[0]]}?" if near else f"There are: {', '.join(sorted(known)) or 'none'}."
    return f"This route has no query parameter {name[:64]}, and would answer more than you asked for. {hint}"
