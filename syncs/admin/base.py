"""What the admin classes share: bases with types, read-only pages, words and badges."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from common.lacking import Lacking
from syncs.access import VIEW, place_of
from syncs.choices import Operation, Outcome, Status, Trigger
from syncs.models import DevinSync, SyncRun
from theme.badges import badge
from vault.access import Place, can, can_somewhere, demand_at, visible

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


class ByPlace:
    """Rows that are seen, and may be changed, by where they belong; `place_of_row` says where."""

    place_of_row: Callable[[Any], Place]

    def get_queryset(self: Any, request: HttpRequest) -> QuerySet[Any]:
        return visible(request.user, super().get_queryset(request))  # type: ignore[misc]

    def history_view(self: Any, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Whoever may see none of them is refused, whether or not there is this one."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        answer: HttpResponse = super().history_view(request, object_id, extra_context)  # type: ignore[misc]
        return answer

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "view", None)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view", obj) or self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "add", None)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete", obj)

    def _may(self: Any, request: HttpRequest, verb: str, row: Any) -> bool:
        permission = f"{self.opts.app_label}.{verb}_{self.opts.model_name}"
        if row is None:
            return can_somewhere(request.user, permission)
        return can(request.user, permission, self.place_of_row(row))


def demand(request: HttpRequest, *permissions: str, at: Place | None = None) -> None:
    """Raises PermissionDenied unless the user has all of these there or, where no place is said, somewhere."""
    named = [f"syncs.{permission}" for permission in permissions]
    if at is not None:
        demand_at(request.user, at, *named)
    elif lacking := [name for name in named if not can_somewhere(request.user, name)]:
        raise Lacking(lacking)


def find_sync(request: HttpRequest, pk: UUID, *permissions: str) -> DevinSync:
    """One that the person sees, or may do this with; and may do it. Raises Http404, or PermissionDenied."""
    sync = DevinSync.objects.with_source().select_related("connection").filter(pk=pk).first()
    if sync is None or not is_known(request.user, place_of(sync), VIEW, *permissions):
        # Whoever may do it nowhere is refused, whether or not it is there.
        demand(request, *permissions)
        raise not_found("sync")
    demand(request, *permissions, at=place_of(sync))
    return sync


def is_known(user: Any, place: Place, *permissions: str) -> bool:
    named = [name if "." in name else f"syncs.{name}" for name in permissions]
    return any(can(user, name, place) for name in named)


def not_found(what: str) -> Http404:
    return Http404(f"There is no such {what} any more.")
