"""What goes with what is deleted, and the page that asks before."""

from collections.abc import Callable, Sequence
from copy import copy
from typing import TypeVar

from django.contrib.admin.models import DELETION
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse

from vault.errors import EditingError
from vault.models import Environment, Folder, Secret
from vault.pages.access import actor_of, done, page, place_of
from vault.pages.effects import is_agreed, look_ahead
from vault.pages.undo import stays

Row = TypeVar("Row", Environment, Folder, Secret)

NAMED = 20
CHANGED = "What it would do has changed since this page was shown. Look at it again, then delete."


def confirm_deletion(
    request: HttpRequest,
    row: Row,
    *,
    name: str,
    contents: list[str],
    delete: Callable[[Row], None],
    go_to: Model,
    **context: object,
) -> HttpResponse:
    """Asks on GET, with what becomes of Devin; deletes on POST, if just that was shown. A refusal is shown as well."""
    refusal, foreseen = "", None
    try:
        foreseen = look_ahead(lambda: delete(copy(row)), by=actor_of(request))
        if request.method == "POST" and is_agreed(request, foreseen):
            delete(copy(row))
            return done(request, row, DELETION, f"Deleted {name}.", go_to=go_to)
    except EditingError as error:
        refusal = error.message
    refusal = refusal or (CHANGED if request.method == "POST" else "")
    return page(
        request,
        "delete",
        title=f"Delete {name}?",
        refusal=refusal,
        contents=contents,
        stays=stays(),
        foreseen=foreseen,
        **place_of(go_to if isinstance(row, Environment) else row),
        **context,
    )


def describe_contents(folders: QuerySet[Folder]) -> list[str]:
    """What would go, in counts."""
    there = folders.order_by().aggregate(folders=Count("pk", distinct=True), secrets=Count("secrets"))
    return [_count(there["folders"], "folder"), _count(there["secrets"], "secret") + " with all versions"]


def name_some(rows: Sequence[object], *, unseen: int = 0) -> list[str]:
    """The first of them, how many more there are, and how many others that the reader may not see."""
    more = len(rows) - NAMED
    told = [*map(str, rows[:NAMED]), *([f"and {more:,} more"] if more > 0 else [])]
    return [*told, *([f"{_count(unseen, 'other')} that you may not see"] if unseen else [])]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
