"""Sees to it that each request that changes something, or was refused, leaves a line: where the view wrote none, here.

Such a line names the route and the ids in it, never what was sent: a path may hold a key's name, a body its value.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from audit import before
from audit.completing import complete
from audit.kinds import Kind, kind_at, kind_named
from audit.models import Action, Entry, Outcome
from audit.rows import look_at
from audit.writing import line, note_many, stands, written
from common import refusals
from common.addresses import client_address
from common.clients import client, program
from common.middleware import GetResponse

READING = ("GET", "HEAD", "OPTIONS", "TRACE")
REFUSED = (403,)
# No answer without its line, but a database that is busy is no fault of ours.
BUSY = (OperationalError, InterfaceError)
TRY_AGAIN = {"Retry-After": "5"}
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What pages ask for while something is typed, or to refresh themselves; nothing is done by it.
NO_ACT = frozenset({"refresh", "wizard_goto_step"})


class AuditMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with serving(client_address(request)):
            try:
                response = self.get_response(request)
                self._note(request, response)
            except BUSY:
                return HttpResponse("The database is busy. Try again in a moment.", status=503, headers=TRY_AGAIN)
        return response

    def _note(self, request: HttpRequest, response: HttpResponse) -> None:
        was_refused = response.status_code in REFUSED
        # Looked at first: to ask who it was takes the database, which may be what failed.
        if not (was_refused or is_act(request, response)) or tells_of_itself(response):
            return
        if actor := actor_of(request):
            note_many([as_line(actor, request, response)])


@contextmanager
def serving(address: str) -> Iterator[None]:
    """What is known of this request alone, for lines that are written far below the view."""
    variables: Sequence[tuple[ContextVar[Any], Any]] = [(client, address), (program, ""), (written, ())]
    tokens = [(variable, variable.set(value)) for variable, value in variables]
    rows, refusal = before.begin(), refusals.begin()
    try:
        yield
    finally:
        before.end(rows)
        refusals.end(refusal)
        for variable, token in tokens:
            variable.reset(token)


def as_line(actor: str, request: HttpRequest, response: HttpResponse) -> Entry:
    """Of a request that left none by itself."""
    action = Action.REFUSED if response.status_code in REFUSED else Action.ASKED
    outcome = outcome_of(response)
    entry = line(actor, action, detail=told(request, response), outcome=outcome, **row_of(request))
    if complete_by_route(entry, request) and outcome == Outcome.DONE:
        entry.detail = "Asked for a run."
    if outcome == Outcome.REFUSED:
        tell_refusal(entry)
    return entry


def outcome_of(response: HttpResponse) -> Outcome:
    """A form that comes back because a right is missing was refused too."""
    came_back = response.status_code == 200 and response.get("Content-Type", "").startswith("text/html")
    if response.status_code in REFUSED or (came_back and refusals.current_refusal().permissions):
        return Outcome.REFUSED
    return Outcome.FAILED if response.status_code >= 400 else Outcome.DONE


def tell_refusal(entry: Entry) -> None:
    """The rights that were missing and, where the address names no row, where they were."""
    refusal = refusals.current_refusal()
    found = {"lacking": ", ".join(refusal.permissions)}
    if refusal.place is not None and not entry.project:
        found |= {"environment": refusal.place.environment or "", "path": refusal.place.path or ""}
        found["project"] = slug_of(refusal.place.project)
    for name, text in Entry.fitting(found).items():
        setattr(entry, name, text)


def slug_of(project_id: object) -> str:
    kind = kind_named("project_id")
    if kind is None or project_id is None:
        return ""
    return next((seen.place.get("project", "") for seen in look_at(kind, [str(project_id)]).values()), "")


def actor_of(request: HttpRequest) -> str:
    """Who asks, as the log calls them: "" for nobody, whose requests are counted elsewhere."""
    caller = getattr(request, "auth", None)
    user = getattr(caller, "user", None) or getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    by = f" ({caller.name})" if caller is not None and hasattr(caller, "name") else ""
    return f"{user.get_username()}{by}"


def tells_of_itself(response: HttpResponse) -> bool:
    """What was refused may have written its line before it was undone."""
    return bool(written.get()) and (response.status_code < 400 or stands())


def is_act(request: HttpRequest, response: HttpResponse) -> bool:
    return request.method not in READING and response.status_code < 500 and not is_typing(request)


def is_typing(request: HttpRequest) -> bool:
    is_form = request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")
    return is_form and not NO_ACT.isdisjoint(request.POST)


def told(request: HttpRequest, response: HttpResponse) -> str:
    match = request.resolver_match
    route = f"/{match.route}" if match is not None else "an unknown route"
    return f"{request.method} {route} was answered {response.status_code}."


def is_id(text: str) -> bool:
    """Many routes take an ID as text, and others the name of a key there."""
    return UUID_TEXT.fullmatch(text) is not None or (text.isascii() and text.isdigit())


def row_of(request: HttpRequest) -> dict[str, str]:
    match = request.resolver_match
    if match is None:
        return {}
    ids = [text for text in map(str, match.kwargs.values()) if is_id(text)]
    return {"kind": (match.url_name or "")[:64], "object_id": ids[0] if ids else ""}


def complete_by_route(entry: Entry, request: HttpRequest) -> str:
    """By the row that the address names, if it names one of a kind that is known. Returns the run that followed."""
    kind = kind_named_by(request.resolver_match, entry.object_id)
    if kind is None:
        return ""
    try:
        return complete(entry, kind, look_at(kind, [entry.object_id]).get(entry.object_id))
    except (ValueError, ValidationError):
        # An id of another kind of row.
        return ""


def kind_named_by(match: ResolverMatch | None, id_: str) -> Kind | None:
    argument = next((name for name, text in match.kwargs.items() if str(text) == id_), "") if match and id_ else ""
    if match is None or not argument:
        return None
    return kind_named(argument) or kind_at(match.url_name or "")
