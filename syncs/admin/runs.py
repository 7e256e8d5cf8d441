"""Runs and what each changed: read-only, with the buttons that a person's decision needs."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Case, Count, Q, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.long_lists import LongListPaginator
from syncs.access import VIEW_RUN, place_of_change, place_of_run
from syncs.admin.approving import approval_of, approve_view
from syncs.admin.base import (
    ROWS_A_PAGE,
    ByPlace,
    demand,
    is_known,
    only,
    outcome_badge,
    run_badge,
    started_by,
    with_reason,
)
from syncs.admin.exporting import CHANGES, COUNTS, RUNS, Exports, export
from syncs.admin.filters import ChangedFilter, SyncFilter, TypeFilter
from syncs.admin.starting import start
from syncs.choices import Action, BlockedReason, Operation, Outcome, Status
from syncs.models import SyncControl, SyncRun, SyncRunChange
from syncs.places import JOINED, find_secret
from syncs.runs import decide
from syncs.runs.cancelling import cancel
from syncs.runs.quiet import keep
from theme.badges import badge
from theme.lists import LightRows, ReadOnly
from theme.times import duration, moment
from vault.access import PermsAt, can
from vault.access import place_of as place_in_vault
from vault.models import Secret

CHANGES_PER_PAGE = 50
# Their messages say all there is to say.
ANSWERED_ELSEWHERE = (BlockedReason.APPROVAL, BlockedReason.REFUSED)
CANCELLED = {
    Status.CANCELLED: (messages.SUCCESS, "The run was cancelled before it wrote anything."),
    Status.RUNNING: (messages.SUCCESS, "The run stops before its next write. What it has begun with is finished."),
    None: (messages.ERROR, "The run has ended, so it cannot be cancelled any more."),
}
ADVICE = {
    Status.FAILED: "Fix what the message says, then sync again.",
    Status.BLOCKED: "All else is done. Look at the deletions below, then decide.",
}


@admin.register(SyncRun)
class SyncRunAdmin(Exports, ReadOnly, ByPlace, LightRows, admin.ModelAdmin[SyncRun]):
    place_of_row = staticmethod(place_of_run)
    table = RUNS
    change_list_template = "admin/syncs/includes/list_with_export.html"
    list_display = ("name", "status_shown", "changed", "why", "queued", "duration_shown")
    list_filter = ("status", ChangedFilter, "operation", "trigger", SyncFilter, "queued_at")
    list_select_related = ("requested_by",)
    list_only = (
        "sync_name", "operation", "trigger", "requested_by__username", "status", "stopped_by", "message",
        *(f"{word}_count" for word in COUNTS), "queued_at", "started_at", "finished_at",
    )  # fmt: skip
    list_per_page = ROWS_A_PAGE
    search_fields = ("sync_name", "org_id", "message", "requested_by__username")
    search_help_text = "Search syncs, organizations, messages and people"
    empty_text = "Each time a sync writes to Devin, or is kept from it, a run stands here with what it changed."
    show_full_result_count = False
    paginator = LongListPaginator
    actions = None

    @admin.display(description="sync", ordering="sync_name")
    def name(self, run: SyncRun) -> SafeString | str:
        if run.operation == Operation.SYNC:
            return run.sync_name
        return format_html("{} {}", run.sync_name, badge("info", "Removal"))

    @admin.display(description="started by", ordering="trigger")
    def why(self, run: SyncRun) -> SafeString | str:
        if run.requested_by is None:
            return started_by(run)
        return format_html(
            '{}<br><span class="ds-muted ds-small">{}</span>',
            started_by(run),
            run.requested_by.get_username(),
        )

    @admin.display(description="queued", ordering="queued_at")
    def queued(self, run: SyncRun) -> SafeString | str:
        return moment(run.queued_at)

    @admin.display(description="status", ordering="status")
    def status_shown(self, run: SyncRun) -> SafeString:
        return with_reason(run_badge(run), run.status, run.message)

    @admin.display(description="what changed")
    def changed(self, run: SyncRun) -> str:
        return what_changed(run)

    @admin.display(description="duration")
    def duration_shown(self, run: SyncRun) -> str:
        return how_long(run)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<uuid:pk>/progress/", wrap(self.progress), name="syncs_syncrun_progress"),
            path("<uuid:pk>/confirm/", wrap(self.confirm), name="syncs_syncrun_confirm"),
            path("<uuid:pk>/trust/", wrap(self.trust), name="syncs_syncrun_trust"),
            path("<uuid:pk>/approve/", wrap(partial(approve_view, self)), name="syncs_syncrun_approve"),
            path("<uuid:pk>/cancel/", wrap(self.cancel), name="syncs_syncrun_cancel"),
            path("<uuid:pk>/changes/<slug:to>/", wrap(self.export_changes), name="syncs_syncrun_changes"),
        ]
        return [self.export_url(), *own, *super().get_urls()]

    # Looking

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_run(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            **progress_of(run, request.user),
            **decisions_on(run),
            **approval_of(run),
            **page_of_changes(run, request),
            "title": str(run),
            "opts": SyncRun._meta,
            "perms": PermsAt(request.user, place_of_run(run)),
        }
        return TemplateResponse(request, "admin/syncs/syncrun/change.html", context)

    def progress(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The changing parts of the page alone; the page fetches them until the run has ended.

        Whoever has `seen` another status than the present one has the wrong buttons, and is told to reload.
        """
        run = self.get_run(request, pk)
        if request.GET.get("part") == "badge":
            return HttpResponse(badge_alone(run))
        if request.GET.get("part") == "changes":
            context = {"run": run, **page_of_changes(run, request)}
            return TemplateResponse(request, "admin/syncs/syncrun/changes.html", context)
        has_moved = request.GET.get("seen", run.status) != run.status
        return TemplateResponse(
            request,
            "admin/syncs/syncrun/progress.html",
            progress_of(run, request.user)
            | {"has_moved": has_moved, "perms": PermsAt(request.user, place_of_run(run))},
        )

    def export_changes(self, request: HttpRequest, pk: UUID, to: str) -> StreamingHttpResponse:
        run = self.get_run(request, pk)
        rows = filtered_changes(run, chosen_filters(run, request))
        return export(request, CHANGES, rows, to, of=f" of the run {run.pk}")

    def get_run(self, request: HttpRequest, pk: object, *permissions: str) -> SyncRun:
        """One that the person sees, or may do this with; and may do it."""
        if not self.has_view_permission(request) and not permissions:
            raise PermissionDenied
        related = (*(f"sync__{name}" for name in JOINED), "connection", "requested_by")
        try:
            run = SyncRun.objects.select_related(*related).filter(pk=UUID(str(pk))).first()
        except ValueError:
            run = None
        if run is None or not is_known(request.user, place_of_run(run), VIEW_RUN, *permissions) or not keep(run):
            demand(request, *permissions)
            raise Http404("There is no such run. One that the schedule started leaves none where nothing changed.")
        demand(request, *permissions, at=place_of_run(run))
        return run

    # Deciding

    @only("POST")
    def confirm(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        run = self.get_run(request, pk, "run_devinsync", "confirm_deletions")
        return redirect(start(request, partial(decide.confirm_deletions, run)) or run)

    @only("POST")
    def trust(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        run = self.get_run(request, pk, "run_devinsync", "confirm_deletions")
        return redirect(start(request, partial(decide.trust_database, run)) or run)

    @only("POST")
    def cancel(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        run = self.get_run(request, pk, "run_devinsync")
        kind, text = CANCELLED[cancel(run.pk, by=request.user.get_username())]
        messages.add_message(request, kind, text)
        return redirect(run)


def badge_alone(run: SyncRun) -> SafeString:
    """For pages that say in passing how a run stands."""
    frame = "<span data-finished>{}</span>" if run.is_finished else "<span>{}</span>"
    return format_html(frame, run_badge(run))


def progress_of(run: SyncRun, user: Any) -> dict[str, Any]:
    counted = run.changes.aggregate(
        planned=Count("pk"),
        settled=Count("pk", filter=~Q(outcome=Outcome.PLANNED)),
        created=Count("pk", filter=Q(action=Action.CREATE, outcome=Outcome.DONE)),
        replaced=Count("pk", filter=Q(action=Action.REPLACE, outcome=Outcome.DONE)),
        renamed=Count("pk", filter=Q(action=Action.RENAME, outcome=Outcome.DONE)),
        handed_over=Count("pk", filter=Q(action=Action.HAND_OVER, outcome=Outcome.DONE)),
        deleted=Count("pk", filter=Q(action=Action.DELETE, outcome=Outcome.DONE)),
        failed=Count("pk", filter=Q(outcome=Outcome.FAILED)),
    )
    return {
        "run": run,
        "counted": counted,
        "would": what_it_would_do(run),
        "status_badge": run_badge(run),
        "trigger": started_by(run),
        "advice": advice_on(run),
        "duration": how_long(run),
        "is_paused": run.status == Status.PENDING and SyncControl.get().is_paused,
        "faulty_secret": faulty_secret_of(run, user),
    }


def faulty_secret_of(run: SyncRun, user: Any) -> Secret | None:
    """None once the run has got further, or the secret is gone, or is not for the user to see."""
    if run.faulty_secret_id is None or run.status not in (Status.FAILED, Status.PENDING):
        return None
    secret = find_secret(run.faulty_secret_id)
    return secret if secret is not None and can(user, "vault.view_secret", place_in_vault(secret)) else None


def what_it_would_do(run: SyncRun) -> list[tuple[str, int]]:
    """Of a blocked run: what waits for a person's word, by action, in the order of `Action`."""
    if run.status != Status.BLOCKED:
        return []
    rows = run.changes.filter(outcome=Outcome.PLANNED).order_by()
    counts = dict(rows.values_list("action").annotate(number=Count("pk")))
    return [(f"Would {action.label.lower()}", counts[action]) for action in Action if counts.get(action)]


def advice_on(run: SyncRun) -> str:
    if run.status == Status.BLOCKED and run.blocked_reason in ANSWERED_ELSEWHERE:
        return ""
    if run.status == Status.BLOCKED and run.blocked_reason in decide.WHOLE_RUN:
        return "Nothing was written or deleted. Look at the plan, then decide."
    return ADVICE.get(Status(run.status), "")


def decisions_on(run: SyncRun) -> dict[str, Any]:
    is_open_question = run.status == Status.BLOCKED and run.sync is not None and not decide.is_outdated(run)
    not_asking = not is_open_question or run.blocked_reason == BlockedReason.REFUSED
    return {
        "may_confirm": is_open_question and run.blocked_reason not in decide.WHOLE_RUN,
        "may_review": is_open_question and run.blocked_reason == BlockedReason.NEW_ADDRESS,
        "may_trust": is_open_question and run.blocked_reason == BlockedReason.ROLLBACK,
        "deletion_count": len(decide.planned_deletions(run)) if is_open_question else 0,
        "stranger_count": run.changes.filter(
            action=Action.DELETE, outcome=Outcome.PLANNED, is_stranger=True
        ).count() if is_open_question else 0,
        "is_outdated": run.status == Status.BLOCKED and decide.is_outdated(run),
        # Where a person's word is awaited, syncing again would be blocked again.
        "can_sync_again": run.is_finished and not_asking and run.sync is not None and run.sync.is_live,
    }  # fmt: skip


def page_of_changes(run: SyncRun, request: HttpRequest) -> dict[str, Any]:
    """Those that the filters in the address leave, a page of them.

    Without any, a blocked run shows the deletions that a person is asked about, where there are any.
    """
    chosen = chosen_filters(run, request)
    rows = filtered_changes(run, chosen).order_by(*what_matters_first(run), "pk")
    page = Paginator(rows, CHANGES_PER_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    for name in ("page", "part"):
        query.pop(name, None)
    return {
        "changes": [(row, outcome_badge(row.outcome)) for row in page],
        "page": page,
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "query": query.urlencode(),
        "actions": Action.choices,
        "outcomes": Outcome.choices,
    }


def chosen_filters(run: SyncRun, request: HttpRequest) -> dict[str, str]:
    filters = ("action", "outcome", "q")
    chosen = {name: request.GET.get(name, "") for name in filters}
    if not any(name in request.GET for name in filters) and decide.awaits_word_on_deletions(run):
        chosen |= {"action": Action.DELETE.value, "outcome": Outcome.PLANNED.value}
    return chosen


def filtered_changes(run: SyncRun, chosen: dict[str, str]) -> QuerySet[SyncRunChange]:
    rows: QuerySet[SyncRunChange] = run.changes.all()
    if chosen["action"] in Action.values:
        rows = rows.filter(action=chosen["action"])
    if chosen["outcome"] in Outcome.values:
        rows = rows.filter(outcome=chosen["outcome"])
    if chosen["q"]:
        rows = rows.filter(Q(destination_key__icontains=chosen["q"]) | Q(source_key__icontains=chosen["q"]))
    return rows


def what_matters_first(run: SyncRun) -> list[Case]:
    """Failures; and of a plan that a person has to judge, what it deletes, TOTP and cookie secrets before others."""
    if run.status != Status.BLOCKED:
        return [first_if(outcome=Outcome.FAILED)]
    return [first_if(action=Action.DELETE), first_if(secret_type__in=("totp", "cookie")), first_if(is_stranger=True)]


def first_if(**condition: Any) -> Case:
    return Case(When(**condition, then=0), default=1)


def what_changed(run: SyncRun) -> str:
    nothing_written = run.status != Status.SUCCEEDED and run.summary == "nothing to do"
    return "–" if nothing_written or not run.is_finished else run.summary


def how_long(run: SyncRun) -> str:
    return "–" if run.duration is None else duration(run.duration)


@admin.register(SyncRunChange)
class SyncRunChangeAdmin(Exports, ReadOnly, ByPlace, LightRows, admin.ModelAdmin[SyncRunChange]):
    place_of_row = staticmethod(place_of_change)
    table = CHANGES
    change_list_template = "admin/syncs/includes/list_with_export.html"
    list_display = ("key", "action", "outcome_shown", "reason", "marks", "of_sync", "at_shown")
    list_filter = ("action", "outcome", "is_drift", "is_stranger", TypeFilter, "at")
    list_select_related = ("run",)
    list_only = (
        "destination_key", "former_keys", "action", "outcome", "reason", "is_drift", "is_stranger", "at",
        "run__sync_name",
    )  # fmt: skip
    list_per_page = ROWS_A_PAGE
    search_fields = ("destination_key", "source_key", "run__sync_name")
    search_help_text = "Search keys and syncs"
    empty_text = "Each key that a run creates, replaces or deletes in Devin leaves a line here, without its value."
    show_full_result_count = False
    paginator = LongListPaginator
    ordering = ("-pk",)
    actions = None

    def get_urls(self) -> list[URLPattern]:
        return [self.export_url(), *super().get_urls()]

    @admin.display(description="key in Devin", ordering="destination_key")
    def key(self, change: SyncRunChange) -> str:
        return change.told_key

    @admin.display(description="outcome", ordering="outcome")
    def outcome_shown(self, change: SyncRunChange) -> SafeString:
        return outcome_badge(change.outcome)

    @admin.display(description="")
    def marks(self, change: SyncRunChange) -> SafeString:
        marks = [("info", "Drift", change.is_drift), ("failed", "Not ours", change.is_stranger)]
        return format_html_join(" ", "{}", [(badge(kind, word),) for kind, word, is_set in marks if is_set])

    @admin.display(description="at", ordering="at")
    def at_shown(self, change: SyncRunChange) -> SafeString | str:
        return moment(change.at)

    @admin.display(description="sync", ordering="run__sync_name")
    def of_sync(self, change: SyncRunChange) -> str:
        return change.run.sync_name
