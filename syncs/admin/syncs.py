"""The list of syncs, a sync's page, and the buttons on them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.devin.errors import DevinError
from encryption import DecryptionError
from syncs import triggers
from syncs.admin.base import SyncAdminBase, badge, demand, moment, not_found, only, status_badge, two_lines
from syncs.admin.deletion import LEAVE, REMOVE, delete_and_leave, remove_then_delete
from syncs.admin.edit import SyncForm, save_edit
from syncs.admin.starting import link_to, start_many, start_one
from syncs.choices import Operation, Status
from syncs.engine.draw import preview
from syncs.errors import NotRunnable, SyncError
from syncs.models import DevinSync, SyncControl, SyncRun
from syncs.plan_page import overlapping_syncs, show
from syncs.wizard import STEPS, SyncWizard

RECENT_RUNS = 8
NAMES_SHOWN = 60
# A plan that was looked at can be confirmed for this long.
PLAN_AGE = 3600


@admin.register(DevinSync)
class DevinSyncAdmin(SyncAdminBase):
    form = SyncForm
    list_display = ("shown_name", "source", "destination", "status", "last_synced", "next_due", "auto_sync")
    list_filter = (
        "sync_status",
        "is_enabled",
        "auto_sync_enabled",
        ("project", admin.RelatedOnlyFieldListFilter),
        ("connection", admin.RelatedOnlyFieldListFilter),
        "source_environment",
    )
    list_select_related = ("project", "folder__environment", "connection")
    list_per_page = 50
    search_fields = (
        "name", "description", "org_id", "source_environment", "source_path", "project__name", "connection__name",
    )  # fmt: skip
    search_help_text = "Search names, sources, organizations and connections"
    actions = ("sync_now", "plan", "enable_auto", "disable_auto", "enable", "disable", "repush", "remove_secrets")
    fieldsets = (
        ("Details", {"fields": ("name", "description", "is_enabled")}),
        ("Source", {"fields": ("folder", "recursive")}),
        ("Destination", {"fields": ("connection", "org_id")}),
        (
            "Options",
            {
                "fields": (
                    "initial_sync_behavior",
                    "key_schema",
                    "auto_sync_enabled",
                    "disable_secret_deletion",
                    "only_delete_managed",
                )
            },
        ),
        ("More options", {"fields": ("reconcile_minutes", "guard_max_deletions", "guard_max_percent")}),
    )

    # Who may do what

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A sync carries values out of the vault by somebody's API key, so it takes more than the right to add one."""
        needed = ("vault.view_secret", "connections.use_connection")
        return super().has_add_permission(request) and request.user.has_perms(needed)

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("syncs.run_devinsync")

    def has_plan_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("syncs.plan_devinsync")

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("syncs.remove_secrets")

    def get_readonly_fields(self, request: HttpRequest, obj: DevinSync | None = None) -> tuple[str, ...]:
        source = () if request.user.has_perm("vault.view_secret") else ("folder", "recursive")
        destination = () if request.user.has_perm("connections.use_connection") else ("connection", "org_id")
        return (*source, *destination)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without Django's own deletion: a sync's own page asks what becomes of its secrets."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    # The list

    @admin.display(description="name", ordering="name")
    def shown_name(self, sync: DevinSync) -> SafeString | str:
        return sync.name if sync.is_enabled else format_html("{} {}", sync.name, badge("off", "Disabled"))

    @admin.display(description="source", ordering="source_path")
    def source(self, sync: DevinSync) -> SafeString:
        below = sync.project if sync.has_source else badge("failed", "Folder deleted")
        return two_lines(sync.source_label, below)

    @admin.display(description="destination", ordering="org_id")
    def destination(self, sync: DevinSync) -> SafeString:
        return two_lines(sync.org_id, sync.connection)

    @admin.display(description="status", ordering="sync_status")
    def status(self, sync: DevinSync) -> SafeString:
        return status_badge(sync.sync_status)

    @admin.display(description="last synced", ordering="last_synced_at")
    def last_synced(self, sync: DevinSync) -> SafeString | str:
        return moment(sync.last_synced_at)

    @admin.display(description="next due", ordering="next_reconcile_at")
    def next_due(self, sync: DevinSync) -> SafeString | str:
        return moment(next_due(sync))

    @admin.display(description="auto-sync", ordering="auto_sync_enabled")
    def auto_sync(self, sync: DevinSync) -> SafeString:
        return badge("ok", "On") if sync.auto_sync_enabled else badge("off", "Off")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"is_paused": SyncControl.get().is_paused, **(extra_context or {})})

    @admin.action(description="Sync now", permissions=["run"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[DevinSync]) -> None:
        start_many(request, queryset.select_related("folder__environment"))

    @admin.action(description="Plan (choose one)", permissions=["plan"])
    def plan(self, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse | None:
        syncs = list(queryset[:2])
        if len(syncs) == 1:
            return redirect("admin:syncs_devinsync_plan", syncs[0].pk)
        messages.warning(request, "A plan is drawn for one sync at a time. Choose one.")
        return None

    @admin.action(description="Enable auto-sync", permissions=["change"])
    def enable_auto(self, request: HttpRequest, queryset: QuerySet[DevinSync]) -> None:
        self._switch(request, queryset, "auto_sync_enabled", on=True)

    @admin.action(description="Disable auto-sync", permissions=["change"])
    def disable_auto(self, request: HttpRequest, queryset: QuerySet[DevinSync]) -> None:
        self._switch(request, queryset, "auto_sync_enabled", on=False)

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[DevinSync]) -> None:
        self._switch(request, queryset, "is_enabled", on=True)

    @admin.action(description="Disable", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[DevinSync]) -> None:
        self._switch(request, queryset, "is_enabled", on=False)

    @admin.action(description="Push all secrets again…", permissions=["run"])
    def repush(self, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse:
        return self._confirm_page(request, "repush", list(queryset))

    @admin.action(description="Remove secrets from Devin…", permissions=["remove"])
    def remove_secrets(self, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse:
        return self._confirm_page(request, "remove", list(queryset))

    def _switch(self, request: HttpRequest, syncs: Iterable[DevinSync], field: str, *, on: bool) -> None:
        changed = [sync for sync in syncs if getattr(sync, field) != on]
        for sync in changed:
            with transaction.atomic():
                DevinSync.objects.filter(pk=sync.pk).update(**{field: on, "version": F("version") + 1})
                sync.refresh_from_db()
                self.log_change(request, sync, f"{SWITCH_WORDS[field]} {'enabled' if on else 'disabled'}.")
                if on:
                    triggers.after_edit(sync, user=request.user)
        word = "enabled" if on else "disabled"
        count = len(changed)
        messages.success(request, f"{SWITCH_WORDS[field]} {word} for {count} sync{'' if count == 1 else 's'}.")

    # Routes

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        wizard = SyncWizard.as_view(list(STEPS), url_name="admin:syncs_devinsync_wizard", model_admin=self)
        own = [
            path("add/", wrap(wizard), name="syncs_devinsync_add"),
            path("add/<slug:step>/", wrap(wizard), name="syncs_devinsync_wizard"),
            path("confirmed/<slug:what>/", wrap(self.confirmed), name="syncs_devinsync_confirmed"),
            path("<uuid:pk>/run/", wrap(self.run_view), name="syncs_devinsync_run"),
            path("<uuid:pk>/plan/", wrap(self.plan_view), name="syncs_devinsync_plan"),
            path("<uuid:pk>/confirm/<slug:what>/", wrap(self.confirm_view), name="syncs_devinsync_confirm"),
            path("<uuid:pk>/switch/", wrap(self.switch_view), name="syncs_devinsync_switch"),
        ]
        return own + super().get_urls()

    def _get_sync(self, pk: UUID) -> DevinSync:
        found = DevinSync.objects.select_related("project", "folder__environment", "connection").filter(pk=pk).first()
        if found is None:
            raise not_found("sync")
        return found

    @only("POST")
    def run_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """“Sync now”; with a plan that was looked at, its deletions are confirmed."""
        demand(request, "run_devinsync")
        sync = self._get_sync(pk)
        wishes: dict[str, Any] = {}
        if "plan" in request.POST:
            demand(request, "confirm_deletions")
            try:
                wishes["confirmed_deletions"] = open_plan(request.POST["plan"], sync, request.user)
            except signing.BadSignature:
                messages.error(request, "The plan is too old to be confirmed. Here is a new one.")
                return redirect("admin:syncs_devinsync_plan", sync.pk)
        return redirect(start_one(request, sync, **wishes) or sync)

    @only("POST")
    def switch_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        demand(request, "change_devinsync")
        field = request.POST.get("field", "")
        if field not in SWITCH_WORDS:
            raise Http404
        self._switch(request, [self._get_sync(pk)], field, on=request.POST.get("on") == "1")
        return redirect("admin:syncs_devinsync_change", pk)

    def plan_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """A dry run: what a run would do now. Talks to Devin; writes nothing."""
        demand(request, "view_devinsync", "plan_devinsync")
        sync = self._get_sync(pk)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": f"Plan of {sync.name}",
            "opts": DevinSync._meta,
            "sync": sync,
            "overlapping": overlapping_syncs(sync),
            "may_run": self.has_run_permission(request) and sync.is_enabled,
            "may_confirm": request.user.has_perm("syncs.confirm_deletions"),
            "drawn_at": timezone.now(),
        }
        try:
            drawn = preview(sync)
        except (SyncError, DevinError, DecryptionError) as error:
            context["problem"] = str(error)
        else:
            shown = show(drawn.plan)
            token = seal_plan(shown.deletion_ids, sync, request.user)
            context |= {"shown": shown, "blocked": drawn.blocked, "plan_token": token}
        return TemplateResponse(request, "admin/syncs/devinsync/plan.html", context)

    # Removing and pushing again: a page that says what will happen, then the deed

    def confirm_view(self, request: HttpRequest, pk: UUID, what: str) -> HttpResponse:
        return self._confirm_page(request, what, [self._get_sync(pk)])

    def _confirm_page(self, request: HttpRequest, what: str, syncs: list[DevinSync]) -> HttpResponse:
        if what not in CONFIRMED:
            raise Http404
        demand(request, CONFIRMED[what])
        rows = [(sync, *managed_names(sync)) for sync in syncs]
        context = {
            **self.admin_site.each_context(request),
            "title": TITLES[what],
            "opts": DevinSync._meta,
            "what": what,
            "rows": rows,
            "total": sum(count for _, count, _ in rows),
            "back": syncs[0] if len(syncs) == 1 else None,
        }
        return TemplateResponse(request, "admin/syncs/devinsync/confirm.html", context)

    @only("POST")
    def confirmed(self, request: HttpRequest, what: str) -> HttpResponse:
        if what not in CONFIRMED:
            raise Http404
        demand(request, CONFIRMED[what])
        wishes: dict[str, Any] = {"operation": Operation.REMOVE} if what == "remove" else {"repushes_all": True}
        try:
            ids = [UUID(text) for text in request.POST.getlist("sync")]
        except ValueError:
            raise Http404 from None
        syncs = list(DevinSync.objects.select_related("folder__environment").filter(pk__in=ids))
        if len(syncs) == 1:
            return redirect(start_one(request, syncs[0], **wishes) or syncs[0])
        start_many(request, syncs, **wishes)
        return redirect("admin:syncs_devinsync_changelist")

    # A sync's page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> DevinSync | None:
        """For an edit the row is locked first, so that no change by a worker or another person is overwritten."""
        sync = super().get_object(request, object_id, from_field)
        if sync is not None and request.method == "POST" and transaction.get_connection().in_atomic_block:
            sync = DevinSync.objects.select_for_update().filter(pk=sync.pk).first()
        return sync

    def get_form(self, request: HttpRequest, obj: DevinSync | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.may_remove_secrets = self.has_remove_permission(request)
        return form

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sync = self.get_object(request, object_id)
        context = {
            **(page_of(sync) if sync is not None else {}),
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "show_delete": False,
            "may_run": self.has_run_permission(request),
            "may_plan": self.has_plan_permission(request),
            "may_remove": self.has_remove_permission(request),
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: DevinSync, form: Any, change: bool) -> None:
        if not form.changed_data:
            return
        try:
            save_edit(obj, form, user=request.user)
        except NotRunnable as error:
            messages.warning(request, error.message)

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
            "may_remove": self.has_remove_permission(request),
        }
        return TemplateResponse(request, "admin/syncs/devinsync/delete.html", context)

    def _delete(self, request: HttpRequest, sync: DevinSync) -> HttpResponse:
        choice = request.POST.get("secrets", "")
        if choice not in (LEAVE, REMOVE):
            messages.error(request, "Choose what becomes of the secrets in Devin.")
            return redirect("admin:syncs_devinsync_delete", sync.pk)
        try:
            if choice == REMOVE:
                demand(request, "remove_secrets")
                run = remove_then_delete(sync, user=request.user)
                messages.success(request, f"“{sync.name}” goes as soon as its secrets have been removed from Devin.")
                return redirect(run)
            with transaction.atomic():
                self.log_deletions(request, DevinSync.objects.filter(pk=sync.pk))
                delete_and_leave(sync)
        except NotRunnable as error:
            messages.error(request, error.message)
            return redirect("admin:syncs_devinsync_delete", sync.pk)
        messages.success(request, f"The sync “{sync.name}” was deleted. Its secrets are still in Devin.")
        return redirect("admin:syncs_devinsync_changelist")


SWITCH_WORDS = {"is_enabled": "Syncing", "auto_sync_enabled": "Auto-sync"}
# What needs a page of its own before it happens, with the permission it takes.
CONFIRMED = {"remove": "remove_secrets", "repush": "run_devinsync"}
TITLES = {"remove": "Remove secrets from Devin", "repush": "Push all secrets again"}


def next_due(sync: DevinSync) -> Any:
    """When the schedule will run it next; None if it never will."""
    runs_by_itself = sync.is_enabled and sync.auto_sync_enabled and sync.has_source and sync.reconcile_minutes
    return sync.next_reconcile_at if runs_by_itself else None


def managed_names(sync: DevinSync) -> tuple[int, list[str]]:
    """How many secrets the sync has written to Devin, and the first of their keys."""
    rows = sync.managed_secrets.order_by("destination_key")
    return rows.count(), list(rows.values_list("destination_key", flat=True)[:NAMES_SHOWN])


def page_of(sync: DevinSync) -> dict[str, Any]:
    runs = list(sync.runs.select_related("requested_by")[:RECENT_RUNS])
    return {
        "sync": sync,
        "status_badge": status_badge(sync.sync_status),
        "managed_count": sync.managed_secrets.count(),
        "recent_runs": [(run, status_badge(run.status)) for run in runs],
        "last_run": runs[0] if runs else None,
        "next_due": next_due(sync),
        "is_paused": SyncControl.get().is_paused,
        "overlapping": overlapping_syncs(sync),
    }


def seal_plan(ids: list[str], sync: DevinSync, user: Any) -> str:
    """The deletions of a plan that this person was shown, so that they can confirm those and no others."""
    return signing.dumps(ids, salt=f"syncs.plan:{sync.pk}:{user.pk}", compress=True)


def open_plan(token: str, sync: DevinSync, user: Any) -> list[str]:
    """Raises BadSignature if it is somebody else's, another sync's, or too old."""
    ids: list[str] = signing.loads(token, salt=f"syncs.plan:{sync.pk}:{user.pk}", max_age=PLAN_AGE)
    return ids
