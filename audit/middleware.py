"""Sees to it that each request that changes something, or was refused, leaves a line: where the view wrote none, here.

Such a line names the route and the ids in it, never what was sent: a path may hold a key's name, a body its value.
"""

import re

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from audit.before import begin, end
from audit.completing import complete
from audit.kinds import Kind, kind_at, kind_named
from audit.models import Action, Entry, Outcome
from audit.rows import look_at
from audit.writing import line, note_many, stands, written
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
        address, lines, token, rows = client.set(client_address(request)), written.set(()), program.set(""), begin()
        try:
            response = self.get_response(request)
            self._note(request, response)
        except BUSY:
            return HttpResponse("The database is busy. Try again in a moment.", status=503, headers=TRY_AGAIN)
        finally:
            client.reset(address)
            written.reset(lines)
            program.reset(token)
            end(rows)
        return response

    def _note(self, request: HttpRequest, response: HttpResponse) -> None:
        was_refused = response.status_code in REFUSED
        # Looked at first: to ask who it was takes the database, which may be what failed.
        if not (was_refused or is_act(request, response)) or tells_of_itself(response):
            return
        if actor := actor_of(request):
            action = Action.REFUSED if was_refused else Action.ASKED
            failed = {"outcome": Outcome.FAILED} if response.status_code >= 400 and not was_refused else {}
            entry = line(actor, action, detail=told(request, response), **row_of(request), **failed)
            complete_by_route(entry, request)
            note_many([entry])


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


def complete_by_route(entry: Entry, request: HttpRequest) -> None:
    """By the row that the address names, if it names one of a kind that is known."""
    kind = kind_named_by(request.resolver_match, entry.object_id)
    if kind is None:
        return
    try:
        complete(entry, kind, look_at(kind, [entry.object_id]).get(entry.object_id))
    except (ValueError, ValidationError):
        # An id of another kind of row.
        return


def kind_named_by(match: ResolverMatch | None, id_: str) -> Kind | None:
    argument = next((name for name, text in match.kwargs.items() if str(text) == id_), "") if match and id_ else ""
    if match is None or not argument:
        return None
    return kind_named(argument) or kind_at(match.url_name or "")
