"""What the admin classes share: bases with types, read-only pages, badges."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from syncs.choices import Operation, Outcome, Status, Trigger
from syncs.models import DevinSync, ManagedSecret, SyncControl, SyncRun, SyncRunChange

if TYPE_CHECKING:
    SyncAdminBase = admin.ModelAdmin[DevinSync]
    RunAdminBase = admin.ModelAdmin[SyncRun]
    ChangeAdminBase = admin.ModelAdmin[SyncRunChange]
    ManagedAdminBase = admin.ModelAdmin[ManagedSecret]
    ControlAdminBase = admin.ModelAdmin[SyncControl]
else:
    SyncAdminBase = RunAdminBase = ChangeAdminBase = ManagedAdminBase = ControlAdminBase = admin.ModelAdmin

BADGE_OF_STATUS = {
    Status.PENDING: "waiting",
    Status.RUNNING: "running",
    Status.SUCCEEDED: "ok",
    Status.FAILED: "failed",
    Status.BLOCKED: "blocked",
    Status.CANCELLED: "off",
}
BADGE_OF_OUTCOME = {
    Outcome.PLANNED: "waiting",
    Outcome.DONE: "ok",
    Outcome.FAILED: "failed",
    Outcome.NOT_ATTEMPTED: "off",
    Outcome.HELD: "blocked",
}

View = Callable[..., HttpResponse]


def moment(at: datetime | None) -> SafeString | str:
    """ "3 min ago", short for a column, with the exact time as title."""
    if at is None:
        return "–"
    exact = timezone.localtime(at).strftime("%d %b %Y, %H:%M:%S %Z")
    seconds = (timezone.now() - at).total_seconds()
    words = f"{in_short(seconds)} ago" if seconds >= 0 else f"in {in_short(-seconds)}"
    return format_html('<time class="ds-nowrap" datetime="{}" title="{}">{}</time>', at.isoformat(), exact, words)


def in_short(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def two_lines(code: object, below: object) -> SafeString:
    return format_html('<code class="ds-nowrap">{}</code><br><span class="ds-muted ds-small">{}</span>', code, below)


def badge(kind: str, word: object) -> SafeString:
    return format_html('<span class="ds-badge ds-badge--{}">{}</span>', kind, word)


def status_badge(status: str) -> SafeString:
    """Of a sync or a run; a sync that has never run has none."""
    if not status:
        return badge("off", "Never run")
    return badge(BADGE_OF_STATUS[Status(status)], Status(status).label)


def run_badge(run: SyncRun) -> SafeString:
    """A removal that succeeded has synced nothing, so it has words of its own."""
    words = {Status.RUNNING: "Removing", Status.SUCCEEDED: "Removed"} if run.operation == Operation.REMOVE else {}
    status = Status(run.status)
    return badge(BADGE_OF_STATUS[status], words.get(status, status.label))


def started_by(run: SyncRun) -> str:
    is_removal_by_hand = run.operation == Operation.REMOVE and run.trigger == Trigger.MANUAL
    return "By hand" if is_removal_by_hand else run.get_trigger_display()


def outcome_badge(outcome: str) -> SafeString:
    return badge(BADGE_OF_OUTCOME[Outcome(outcome)], Outcome(outcome).label)


class ReadOnly:
    """Rows that only the engine writes."""

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
    if not request.user.has_perms([f"syncs.{permission}" for permission in permissions]):
        raise PermissionDenied


def not_found(what: str) -> Http404:
    return Http404(f"There is no such {what} any more.")
