"""The switch that pauses all syncs, as a page of its own."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from common.lacking import demand_rights
from syncs.admin.base import only
from syncs.choices import Status
from syncs.models import DevinSync, SyncControl, SyncRun
from syncs.runs.queue import ring
from vault.access import can_somewhere, visible

RUNG_AT_ONCE = 100
VIEW = "syncs.view_synccontrol"


@admin.register(SyncControl)
class SyncControlAdmin(admin.ModelAdmin[SyncControl]):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SyncControl | None = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return can_somewhere(request.user, VIEW)

    def has_view_permission(self, request: HttpRequest, obj: SyncControl | None = None) -> bool:
        return can_somewhere(request.user, VIEW) or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: SyncControl | None = None) -> bool:
        return request.user.has_perm("syncs.pause_syncs")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.switch_view), name="syncs_synccontrol_changelist"),
            path("switch/", wrap(self.switch), name="syncs_synccontrol_switch"),
        ]

    def switch_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Pause all syncs",
            "control": SyncControl.objects.select_related("changed_by").get_or_create(pk=1)[0],
            "pending_count": visible(request.user, SyncRun.objects.pending()).count(),
            "running_count": visible(request.user, SyncRun.objects.filter(status=Status.RUNNING)).count(),
            "sync_count": visible(request.user, DevinSync.objects.live()).count(),
            "may_switch": self.has_change_permission(request),
        }
        return TemplateResponse(request, "admin/syncs/synccontrol/switch.html", context)

    @only("POST")
    def switch(self, request: HttpRequest) -> HttpResponse:
        demand_rights(request.user, "syncs.pause_syncs")
        pause = request.POST.get("pause") == "1"
        with transaction.atomic():
            control = SyncControl.get()
            control.is_paused, control.changed_by_id = pause, request.user.pk
            control.save()
            self.log_change(request, control, "Paused all syncs." if pause else "Resumed all syncs.")
            if not pause:
                transaction.on_commit(partial(_ring_pending), robust=True)
        text = "All syncs are paused. Runs wait until you resume." if pause else "Syncs are running again."
        messages.success(request, text)
        return redirect("admin:syncs_synccontrol_changelist")


def _ring_pending() -> None:
    """So that nobody waits for the scheduler, which would ring for the rest."""
    pending = SyncRun.objects.pending().order_by("queued_at").values_list("pk", "sync__project_id")
    for pk, project_id in pending[:RUNG_AT_ONCE]:
        if not ring(pk, project_id):
            return
