"""The routes of one sync beside its page: run, plan, switch, confirm; and where the wizard stands."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from connections.devin.errors import DevinError
from encryption import DecryptionError
from syncs.access import VIEW_RUN, place_of
from syncs.admin.actions import CONFIRMED, Owner, confirm_page, confirmed, switch
from syncs.admin.base import demand, find_sync, only
from syncs.admin.keys import keys_view
from syncs.admin.plan_page import show
from syncs.admin.review import review_switch
from syncs.admin.seen_plans import TAKE_OVER, open_plan, seal_plan
from syncs.admin.starting import start_one
from syncs.admin.strangers import strangers_view
from syncs.admin.sync_runs import runs_view
from syncs.admin.wizard.views import STEPS, SyncWizard
from syncs.editing import SWITCHES, Actor, addresses
from syncs.engine.overlaps import overlapping_syncs
from syncs.engine.preview import preview
from syncs.errors import NotRunnable, SyncError
from syncs.models import DevinSync, SyncRun
from syncs.runs.wishes import NO_WISHES, Wishes
from vault.access import at, can, demand_at, visible

SUGGESTED = 20


def urls_of(owner: Owner) -> list[URLPattern]:
    wizard = SyncWizard.as_view(list(STEPS), url_name="admin:syncs_devinsync_wizard", model_admin=owner)
    routes: dict[str, tuple[str, Callable[..., Any]]] = {
        "add": ("add/", wizard),
        "wizard": ("add/<slug:step>/", wizard),
        "confirmed": ("confirmed/<slug:what>/", partial(confirmed, owner)),
        "run": ("<uuid:pk>/run/", partial(run_view, owner)),
        "plan": ("<uuid:pk>/plan/", partial(plan_view, owner)),
        "confirm": ("<uuid:pk>/confirm/<slug:what>/", partial(confirm_view, owner)),
        "switch": ("<uuid:pk>/switch/", partial(switch_view, owner)),
        "names": ("names/", names_view),
        "places": ("<uuid:pk>/places/", partial(places_view, owner)),
        "keys": ("<uuid:pk>/keys/", partial(keys_view, owner)),
        "runs": ("<uuid:pk>/runs/", partial(runs_view, owner)),
        "strangers": ("<uuid:pk>/strangers/", partial(strangers_view, owner)),
    }
    wrap = owner.admin_site.admin_view
    return [path(route, wrap(view), name=f"syncs_devinsync_{name}") for name, (route, view) in routes.items()]


@only("POST")
def run_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    """“Sync now”; with a plan that was looked at, its deletions are confirmed."""
    sync = find_sync(request, pk, "run_devinsync")
    here = place_of(sync)
    if sync.is_elsewhere:
        return redirect(agree(owner, request, sync))
    wishes = NO_WISHES
    if "plan" in request.POST:
        demand(request, "confirm_deletions", at=here)
        try:
            wishes = Wishes(confirmed_deletions=open_plan(request.POST["plan"], sync, request.user))
        except signing.BadSignature:
            messages.error(request, "The plan is too old to be confirmed. Here is a new one.")
            return redirect("admin:syncs_devinsync_plan", sync.pk)
    if "take_over" in request.POST:
        demand(request, "take_over", at=here)
        try:
            keys = open_plan(request.POST["take_over"], sync, request.user, at=TAKE_OVER)
        except signing.BadSignature:
            messages.error(request, "The plan is too old to take something over by it. Here is a new one.")
            return redirect("admin:syncs_devinsync_plan", sync.pk)
        wishes = replace(wishes, takes_over=keys)
        Actor.in_admin(request.user).note_changed(sync, f"Took over {len(keys)} keys from syncs that have stopped")
    return redirect(start_one(request, sync, wishes=wishes) or sync)


def agree(owner: Owner, request: HttpRequest, sync: DevinSync) -> SyncRun | str:
    """“Sync now” for a sync whose connection was pointed elsewhere: only from the plan there."""
    plan_page = reverse("admin:syncs_devinsync_plan", args=[sync.pk])
    if "agreed" not in request.POST:
        messages.warning(request, "Its connection leads to another address than before. Look at the plan there.")
        return plan_page
    demand_at(request.user, place_of(sync), *addresses.NEEDED)
    try:
        seen = open_plan(request.POST["agreed"], sync, request.user, at=sync.connection.where)
        deletions = seen if can(request.user, "syncs.confirm_deletions", place_of(sync)) else None
        before = sync.agreed_where
        run = addresses.agree_to_address(sync, sync.connection.where, deletions=deletions, user=request.user)
    except signing.BadSignature:
        messages.error(request, "The plan is too old to be agreed to. Here is a new one.")
        return plan_page
    except NotRunnable as error:
        messages.error(request, error.message)
        return plan_page
    owner.log_change(request, sync, f"Let it write to {sync.connection.where}, before {before}.")
    messages.success(request, f"“{sync.name}” now writes to {sync.connection.where}. A run has been queued.")
    return run


def confirm_view(owner: Owner, request: HttpRequest, pk: UUID, what: str) -> HttpResponse:
    if what not in CONFIRMED:
        raise Http404
    return confirm_page(owner, request, what, [find_sync(request, pk, *CONFIRMED[what])])


@only("POST")
def switch_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    sync = find_sync(request, pk, "change_devinsync")
    field = request.POST.get("field", "")
    if field not in SWITCHES:
        raise Http404
    on = request.POST.get("on") == "1"
    if on and (reviewed := review_switch(owner, request, sync, field)):
        return reviewed
    switch(request, [sync], field, on=on)
    return redirect("admin:syncs_devinsync_change", pk)


@only("GET")
def places_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    """The field for the source, with the places suggested that have in them what somebody types."""
    sync = find_sync(request, pk, "change_devinsync")
    form = owner.get_form(request, sync, change=True)(instance=sync)
    if "folder" not in form.fields:
        raise PermissionDenied
    form.initial["folder"] = request.GET.get("q", "")
    return HttpResponse(str(form["folder"]))


def names_view(request: HttpRequest) -> HttpResponse:
    """The first names of syncs that have in them what somebody types."""
    demand(request, "view_devinsync")
    named = DevinSync.objects.filter(name__icontains=request.GET.get("q", "").strip())
    found = visible(request.user, named).order_by("name")
    return JsonResponse({"names": list(found.values_list("name", flat=True).distinct()[:SUGGESTED])})


def plan_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    """A dry run: what a run would do now. Talks to Devin; writes nothing."""
    sync = find_sync(request, pk, "view_devinsync", "plan_devinsync")
    may = at(request.user, place_of(sync))
    context: dict[str, Any] = {
        **owner.admin_site.each_context(request),
        "title": f"Plan of {sync.name}",
        "opts": DevinSync._meta,
        "sync": sync,
        "overlapping": overlapping_syncs(sync, seen_by=request.user),
        "may_run": may("syncs.run_devinsync") and sync.is_enabled,
        "may_confirm": may("syncs.confirm_deletions"),
        "may_take_over": may("syncs.take_over"),
        "may_agree": all(may(permission) for permission in addresses.NEEDED),
        "drawn_at": timezone.now(),
    }
    try:
        drawn = preview(sync, names_authors=may(VIEW_RUN))
    except (SyncError, DevinError, DecryptionError) as error:
        context["problem"] = str(error)
    else:
        shown = show(drawn.plan, drawn.authors)
        token = seal_plan(shown.deletion_ids, sync, request.user)
        context["take_over_token"] = seal_plan(shown.to_take_over, sync, request.user, at=TAKE_OVER)
        agreed = seal_plan(shown.deletion_ids, sync, request.user, at=sync.connection.where)
        context |= {"shown": shown, "blocked": drawn.blocked, "plan_token": token, "agreed_token": agreed}
    return TemplateResponse(request, "admin/syncs/devinsync/plan.html", context)
