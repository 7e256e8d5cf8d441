"""What the admin classes share: bases with types, read-only pages, words and badges."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from common.lacking import demand_rights
from syncs.choices import Operation, Outcome, Status, Trigger
from syncs.models import SyncRun
from theme.badges import badge

# Of a reason in a list; the page says all of it.
REASON_SHOWN = 110
# Of syncs, runs and changes, each of which says much: as many as one reads before searching.
ROWS_A_PAGE = 25
View = Callable[..., HttpResponse]


def two_lines(code: object, below: object) -> SafeString:
    return format_html('<code class="ds-nowrap">{}</code><br><span class="ds-muted ds-small">{}</span>', code, below)


def status_badge(status: str) -> SafeString:
    """Of a sync; one that has never run has no status."""
    return badge(status, Status(status).label if status else "Never run")


def with_reason(shown: SafeString, status: str, reason: str) -> SafeString:
    """The badge with why it says so, where that is not as it should be."""
    if not reason or status not in (Status.FAILED, Status.BLOCKED, Status.CANCELLED):
        return shown
    short = Truncator(reason).chars(REASON_SHOWN)
    return format_html('{}<br><span class="ds-muted ds-small" title="{}">{}</span>', shown, reason, short)


def run_badge(run: SyncRun) -> SafeString:
    """A removal that succeeded has synced nothing, so it has words of its own."""
    words = {Status.RUNNING: "Removing", Status.SUCCEEDED: "Removed"} if run.operation == Operation.REMOVE else {}
    status = Status(run.status)
    if run.is_stopping:
        return badge(status, "Stopping")
    return badge(status, words.get(status, status.label))


def started_by(run: SyncRun) -> str:
    is_removal_by_hand = run.operation == Operation.REMOVE and run.trigger == Trigger.MANUAL
    return "By hand" if is_removal_by_hand else run.get_trigger_display()


def outcome_badge(outcome: str) -> SafeString:
    return badge(outcome, Outcome(outcome).label)


class ReadOnly:
    """Rows that only the engine writes."""

    has_history = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def only(method: str) -> Callable[[View], View]:
    """Refuses other methods: what changes something is a POST."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != method:
                return HttpResponseNotAllowed([method])
            return view(self, request, *args, **kwargs)

        return checked

    return decorate


def demand(request: HttpRequest, *permissions: str) -> None:
    """Raises PermissionDenied unless the user has all of these."""
    demand_rights(request.user, *(f"syncs.{permission}" for permission in permissions))


def not_found(what: str) -> Http404:
    return Http404(f"There is no such {what} any more.")
