"""The routes of one sync beside its page: run, plan, switch, confirm; and where the wizard stands."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from connections.devin.errors import DevinError
from encryption import DecryptionError
from syncs.admin.actions import SyncActions
from syncs.admin.base import demand, not_found, only
from syncs.admin.plan_page import SHOWN_AT_MOST, show
from syncs.admin.starting import start_one
from syncs.admin.wizard.views import STEPS, SyncWizard
from syncs.choices import Decision
from syncs.editing import SWITCHES, Actor, addresses, decide_on_strangers, waiting_strangers
from syncs.engine.overlaps import overlapping_syncs
from syncs.engine.preview import preview
from syncs.errors import EditRefused, NotRunnable, SyncError
from syncs.models import DevinSync, SyncRun
from syncs.runs.wishes import NO_WISHES, Wishes

# A plan that was looked at can be confirmed for this long.
PLAN_AGE = 3600
TAKE_OVER = "take over"
DECIDED = {
    Decision.DELETE: "{} will be deleted from Devin.",
    Decision.LEAVE: "{} will be left alone from now on.",
    Decision.ADOPT: "{} belong to this sync now.",
}


class SyncRoutes(SyncActions):
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
            path("<uuid:pk>/strangers/", wrap(self.strangers_view), name="syncs_devinsync_strangers"),
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
        if sync.is_elsewhere:
            return redirect(self._agree(request, sync))
        wishes = NO_WISHES
        if "plan" in request.POST:
            demand(request, "confirm_deletions")
            try:
                wishes = Wishes(confirmed_deletions=open_plan(request.POST["plan"], sync, request.user))
            except signing.BadSignature:
                messages.error(request, "The plan is too old to be confirmed. Here is a new one.")
                return redirect("admin:syncs_devinsync_plan", sync.pk)
        if "take_over" in request.POST:
            demand(request, "take_over")
            try:
                keys = open_plan(request.POST["take_over"], sync, request.user, at=TAKE_OVER)
            except signing.BadSignature:
                messages.error(request, "The plan is too old to take something over by it. Here is a new one.")
                return redirect("admin:syncs_devinsync_plan", sync.pk)
            wishes = replace(wishes, takes_over=keys)
            Actor.in_admin(request.user).note_changed(sync, f"Took over {len(keys)} keys from syncs that have stopped")
        return redirect(start_one(request, sync, wishes=wishes) or sync)

    def strangers_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The secrets that DevinSync did not write and that the last run asked about; and a person's word on them."""
        demand(request, "view_devinsync")
        sync = self._get_sync(pk)
        chosen, word = request.POST.getlist("secret"), request.POST.get("decision", "")
        if request.method == "POST" and word in Decision.values and chosen:
            demand(request, "run_devinsync", "confirm_deletions")
            if word != Decision.DELETE or "confirmed" in request.POST:
                return self._decide(request, sync, chosen, Decision(word))
        elif request.method == "POST":
            messages.error(request, "Tick the secrets that you have decided on.")
        waiting = waiting_strangers(sync)
        doomed = list(waiting.filter(secret_id__in=chosen)) if word == Decision.DELETE else []
        context = {
            **self.admin_site.each_context(request),
            "title": "Delete these from Devin?" if doomed else "Secrets that DevinSync did not write",
            "opts": DevinSync._meta,
            "sync": sync,
            "rows": waiting[:SHOWN_AT_MOST],
            "count": waiting.count(),
            "doomed": doomed,
            "may_decide": request.user.has_perms(["syncs.run_devinsync", "syncs.confirm_deletions"]),
        }
        return TemplateResponse(request, "admin/syncs/devinsync/strangers.html", context)

    def _decide(self, request: HttpRequest, sync: DevinSync, chosen: list[str], decision: Decision) -> HttpResponse:
        try:
            keys, run = decide_on_strangers(sync.pk, chosen, decision, by=Actor.in_admin(request.user))
        except EditRefused as refused:
            messages.error(request, refused.message)
            return redirect("admin:syncs_devinsync_strangers", sync.pk)
        count = "1 secret" if len(keys) == 1 else f"{len(keys)} secrets"
        told = DECIDED[decision].format(count)
        messages.success(request, f"{told} A run has been queued." if run else told)
        return redirect(run or sync)

    def _agree(self, request: HttpRequest, sync: DevinSync) -> SyncRun | str:
        """“Sync now” for a sync whose connection was pointed elsewhere: only from the plan there."""
        plan_page = reverse("admin:syncs_devinsync_plan", args=[sync.pk])
        if "agreed" not in request.POST:
            messages.warning(request, "Its connection leads to another address than before. Look at the plan there.")
            return plan_page
        if not request.user.has_perms(addresses.NEEDED):
            raise PermissionDenied
        try:
            seen = open_plan(request.POST["agreed"], sync, request.user, at=sync.connection.base_url)
            deletions = seen if request.user.has_perm("syncs.confirm_deletions") else None
            before = sync.agreed_base_url
            run = addresses.agree_to_address(sync, sync.connection.base_url, deletions=deletions, user=request.user)
        except signing.BadSignature:
            messages.error(request, "The plan is too old to be agreed to. Here is a new one.")
            return plan_page
        except NotRunnable as error:
            messages.error(request, error.message)
            return plan_page
        self.log_change(request, sync, f"Let it write to {sync.connection.base_url}, before {before}.")
        messages.success(request, f"“{sync.name}” now writes to {sync.connection.base_url}. A run has been queued.")
        return run

    def confirm_view(self, request: HttpRequest, pk: UUID, what: str) -> HttpResponse:
        return self.confirm_page(request, what, [self._get_sync(pk)])

    @only("POST")
    def switch_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        demand(request, "change_devinsync")
        field = request.POST.get("field", "")
        if field not in SWITCHES:
            raise Http404
        self.switch(request, [self._get_sync(pk)], field, on=request.POST.get("on") == "1")
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
            "may_take_over": request.user.has_perm("syncs.take_over"),
            "may_agree": request.user.has_perms(addresses.NEEDED),
            "drawn_at": timezone.now(),
        }
        try:
            drawn = preview(sync)
        except (SyncError, DevinError, DecryptionError) as error:
            context["problem"] = str(error)
        else:
            shown = show(drawn.plan)
            token = seal_plan(shown.deletion_ids, sync, request.user)
            context["take_over_token"] = seal_plan(shown.to_take_over, sync, request.user, at=TAKE_OVER)
            agreed = seal_plan(shown.deletion_ids, sync, request.user, at=sync.connection.base_url)
            context |= {"shown": shown, "blocked": drawn.blocked, "plan_token": token, "agreed_token": agreed}
        return TemplateResponse(request, "admin/syncs/devinsync/plan.html", context)


def seal_plan(ids: list[str], sync: DevinSync, user: Any, *, at: str = "") -> str:
    """The deletions of a plan that this person was shown, so that they can confirm those and no others.

    With `at`, a new address of the connection, it is their word on that address too.
    """
    return signing.dumps(ids, salt=f"syncs.plan:{sync.pk}:{user.pk}:{at}", compress=True)


def open_plan(token: str, sync: DevinSync, user: Any, *, at: str = "") -> list[str]:
    """Raises BadSignature if it is somebody else's, another sync's, for another address, or too old."""
    ids: list[str] = signing.loads(token, salt=f"syncs.plan:{sync.pk}:{user.pk}:{at}", max_age=PLAN_AGE)
    return ids
