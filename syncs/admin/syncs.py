"""The list of syncs, and a sync's page: how it stands, its settings, its end."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.confirming import is_proved
from syncs.access import place_of
from syncs.admin.actions import ACTIONS, managed_names
from syncs.admin.base import ROWS_A_PAGE, ByPlace, demand, not_found, status_badge, two_lines, with_reason
from syncs.admin.edit import LEAVE, REMOVE, SyncForm
from syncs.admin.filters import NeedFilter
from syncs.admin.forms import LAID_OUT, MORE_OPTIONS
from syncs.admin.heading import parts_of
from syncs.admin.review import ANSWER, BACK, review_edit
from syncs.admin.routes import urls_of
from syncs.admin.starting import link_to
from syncs.admin.sync_runs import run_row
from syncs.choices import Operation, Status
from syncs.editing import Actor, change_sync, delete_sync, waiting_strangers
from syncs.engine.overlaps import overlapping_syncs
from syncs.errors import SyncError
from syncs.models import DevinSync, SyncRun
from syncs.organizations import name_organizations
from syncs.places import JOINED
from theme.badges import badge
from theme.lists import LightRows
from theme.times import moment
from vault.access import can, can_somewhere

RECENT_RUNS = 8


class WithOrganizations(ChangeList):
    """Their names are looked up for all rows at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        name_organizations(self.result_list)


@admin.register(DevinSync)
class DevinSyncAdmin(ByPlace, LightRows, admin.ModelAdmin[DevinSync]):
    place_of_row = staticmethod(place_of)
    form = SyncForm
    actions = ACTIONS
    list_display = ("shown_name", "source", "destination", "status", "last_synced", "next_due", "auto_sync")
    list_filter = (
        NeedFilter,
        "sync_status",
        "is_enabled",
        "auto_sync_enabled",
        ("project", admin.RelatedOnlyFieldListFilter),
        ("connection", admin.RelatedOnlyFieldListFilter),
        "source_environment",
    )
    list_select_related = (*JOINED, "connection")
    list_per_page = ROWS_A_PAGE
    search_fields = (
        "name", "description", "org_id", "source_environment", "source_path", "project__name", "connection__name",
    )  # fmt: skip
    search_help_text = "Search names, sources, organizations and connections"
    fieldsets = (
        ("Details", {"fields": ("name", "description", "is_enabled")}),
        ("Source", {"fields": ("folder", "recursive")}),
        ("Destination", {"fields": ("connection", "org_id")}),
        ("Options", {"fields": tuple(name for name in LAID_OUT if name != "recursive")}),
        ("More options", {"fields": MORE_OPTIONS}),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.settings_view)
        settings = path("<uuid:pk>/settings/", view, name="syncs_devinsync_settings")
        return [*urls_of(self), settings, *super().get_urls()]

    # Who may do what

    def has_run_permission(self, request: HttpRequest, obj: DevinSync | None = None) -> bool:
        return self._has(request, "syncs.run_devinsync", obj)

    def has_plan_permission(self, request: HttpRequest, obj: DevinSync | None = None) -> bool:
        return self._has(request, "syncs.plan_devinsync", obj)

    def has_remove_permission(self, request: HttpRequest, obj: DevinSync | None = None) -> bool:
        return self._has(request, "syncs.remove_secrets", obj)

    def _has(self, request: HttpRequest, permission: str, sync: DevinSync | None) -> bool:
        if sync is None:
            return can_somewhere(request.user, permission)
        return can(request.user, permission, place_of(sync))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A sync carries values out of the vault by somebody's API key, so it takes more than the right to add one."""
        needed = ("vault.reveal_secret", "connections.use_connection")
        return super().has_add_permission(request) and all(can_somewhere(request.user, each) for each in needed)

    def has_change_permission(self, request: HttpRequest, obj: DevinSync | None = None) -> bool:
        """What a sync set makes is changed through the set."""
        return super().has_change_permission(request, obj) and (obj is None or obj.set_id is None)

    def has_delete_permission(self, request: HttpRequest, obj: DevinSync | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.set_id is None)

    def get_readonly_fields(self, request: HttpRequest, obj: DevinSync | None = None) -> tuple[str, ...]:
        source, destination = ("folder", "recursive"), ("connection", "org_id")
        if not self._has(request, "vault.reveal_secret", obj):
            return (*source, *destination)
        return () if self._has(request, "connections.use_connection", obj) else destination

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without Django's own deletion: a sync's own page asks what becomes of its secrets."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WithOrganizations

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """What failed or waits for a person stands first."""
        worst = Case(When(sync_status=Status.FAILED, then=0), When(sync_status=Status.BLOCKED, then=1), default=2)
        return [Case(When(is_enabled=False, then=3), default=worst), "name"]

    @admin.display(description="name", ordering="name")
    def shown_name(self, sync: DevinSync) -> SafeString | str:
        return sync.name if sync.is_enabled else format_html("{}<br>{}", sync.name, badge("off", "Disabled"))

    @admin.display(description="source", ordering="source_path")
    def source(self, sync: DevinSync) -> SafeString:
        below = sync.project if sync.has_source else badge("failed", "Folder deleted")
        return two_lines(sync.source_label, below)

    @admin.display(description="destination", ordering="org_id")
    def destination(self, sync: DevinSync) -> SafeString:
        return two_lines(sync.organization, sync.connection)

    @admin.display(description="status", ordering="sync_status")
    def status(self, sync: DevinSync) -> SafeString:
        return with_reason(status_badge(sync.sync_status), sync.sync_status, sync.last_sync_message)

    @admin.display(description="last synced", ordering="last_synced_at")
    def last_synced(self, sync: DevinSync) -> SafeString | str:
        below = format_html('<br><span class="ds-muted ds-small">{}</span>', words) if (words := in_step(sync)) else ""
        return format_html("{}{}", moment(sync.last_synced_at), below)

    @admin.display(description="next due", ordering="next_reconcile_at")
    def next_due(self, sync: DevinSync) -> SafeString | str:
        return moment(next_due(sync), otherwise="–")

    @admin.display(description="auto-sync", ordering="auto_sync_enabled")
    def auto_sync(self, sync: DevinSync) -> SafeString:
        return badge("ok", "On") if sync.auto_sync_enabled else badge("off", "Off")

    # A sync's page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> DevinSync | None:
        """For an edit the row is locked first, so that no change by a worker or another person is overwritten."""
        sync = super().get_object(request, object_id, from_field)
        if sync is not None and request.method == "POST" and transaction.get_connection().in_atomic_block:
            sync = DevinSync.objects.select_for_update().filter(pk=sync.pk).first()
        return sync

    def get_form(self, request: HttpRequest, obj: DevinSync | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.may_remove_secrets = self.has_remove_permission(request, obj)
        form.user = request.user
        form.is_held = request.POST.get(ANSWER) == BACK
        form.lacks_proof = not is_proved(request)
        return form

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sync = self.get_object(request, object_id)
        if reviewed := self._reviewed(request, sync):
            return reviewed
        tab = (extra_context or {}).get("tab", "overview")
        context = {
            **(self._page_of(request, sync, tab) if sync is not None else {}),
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "show_delete": False,
            **(extra_context or {}),
        }
        try:
            return super().change_view(request, object_id, form_url, context)
        except SyncError as error:
            # The form has judged it before; a moment later it did not hold any more.
            messages.error(request, error.message)
            return redirect("admin:syncs_devinsync_change", object_id)

    def settings_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The same page with the form on it; what is sent from there may go to either address."""
        return self.change_view(request, str(pk), extra_context={"tab": "settings"})

    def _page_of(self, request: HttpRequest, sync: DevinSync, tab: str) -> dict[str, Any]:
        """A form that comes back with errors is shown, wherever it was sent to."""
        tab = "settings" if request.method == "POST" else tab
        shown = overview_of(sync, seen_by=request.user) if tab == "overview" else {}
        return shown | parts_of(self, request, sync, tab=tab)

    def _reviewed(self, request: HttpRequest, sync: DevinSync | None) -> HttpResponse | None:
        """Asked before the transaction of the edit begins, because it talks to Devin."""
        if request.method != "POST" or sync is None or not self.has_change_permission(request, sync):
            return None
        return review_edit(self, request, sync, request.POST)

    def save_model(self, request: HttpRequest, obj: DevinSync, form: Any, change: bool) -> None:
        if not form.changed_data:
            return
        change_sync(
            obj.pk,
            form.to_save(),
            by=Actor.in_admin(request.user),
            seen_version=form.cleaned_data["seen_version"],
            removes_old=form.removes_old,
        )
        obj.refresh_from_db()

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """None: whoever writes a sync notes what has changed."""
        return ""

    def log_change(self, request: HttpRequest, obj: DevinSync, message: Any) -> Any:
        return super().log_change(request, obj, message) if message else None

    def response_change(self, request: HttpRequest, obj: DevinSync) -> HttpResponse:
        run = SyncRun.objects.pending().filter(sync=obj, operation=Operation.SYNC).first()
        if run is not None:
            text: str = format_html("Saved. {} has been queued.", link_to(run, "A run"))
        elif obj.is_enabled and not obj.auto_sync_enabled:
            text = "Saved. Auto-sync is off: look at the plan, then choose “Sync now”."
        else:
            text = "Saved."
        messages.success(request, text)
        return redirect(obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Asks what becomes of the secrets in Devin."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        sync = self.get_object(request, object_id)
        if sync is None:
            raise not_found("sync")
        if not self.has_delete_permission(request, sync):
            raise PermissionDenied
        if request.method == "POST":
            return self._delete(request, sync)
        count, names = managed_names(sync)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Delete {sync.name}",
            "opts": DevinSync._meta,
            "sync": sync,
            "count": count,
            "names": names,
            "is_running": sync.runs.filter(status=Status.RUNNING).exists(),
            "may_remove": self.has_remove_permission(request, sync),
        }
        return TemplateResponse(request, "admin/syncs/devinsync/delete.html", context)

    def _delete(self, request: HttpRequest, sync: DevinSync) -> HttpResponse:
        choice = request.POST.get("secrets", "")
        if choice not in (LEAVE, REMOVE):
            messages.error(request, "Choose what should happen to the secrets in Devin.")
            return redirect("admin:syncs_devinsync_delete", sync.pk)
        if choice == REMOVE:
            demand(request, "remove_secrets", at=place_of(sync))
        try:
            run = delete_sync(sync.pk, by=Actor.in_admin(request.user), removes_secrets=choice == REMOVE)
        except SyncError as error:
            messages.error(request, error.message)
            return redirect("admin:syncs_devinsync_delete", sync.pk)
        if run is not None:
            messages.success(request, f"“{sync.name}” goes as soon as its secrets have been removed from Devin.")
            return redirect(run)
        messages.success(request, f"The sync “{sync.name}” was deleted. Its secrets are still in Devin.")
        return redirect("admin:syncs_devinsync_changelist")


def next_due(sync: DevinSync) -> Any:
    """When the schedule will run it next; None if it never will."""
    return sync.next_reconcile_at if sync.runs_by_itself and sync.reconcile_minutes else None


def in_step(sync: DevinSync) -> str:
    """What the last comparison found, "" where it found something else or is not known."""
    if sync.sync_status != Status.SUCCEEDED or sync.in_step_count is None:
        return ""
    return {0: "nothing in the source", 1: "the 1 secret in step"}.get(
        sync.in_step_count, f"all {sync.in_step_count} in step"
    )


def overview_of(sync: DevinSync, *, seen_by: Any) -> dict[str, Any]:
    runs = list(sync.runs.select_related("requested_by")[:RECENT_RUNS])
    return {
        "managed_count": sync.managed_secrets.count(),
        "recent_runs": [run_row(run) for run in runs],
        "last_run": runs[0] if runs else None,
        "next_due": next_due(sync),
        "in_step": in_step(sync),
        "overlapping": overlapping_syncs(sync, seen_by=seen_by),
        "stranger_count": waiting_strangers(sync).count(),
    }
