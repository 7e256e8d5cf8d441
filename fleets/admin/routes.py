"""What can be done with a set, and with one organization in it: each a POST; other limits have a page."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from fleets.admin.forms import LimitsForm
from fleets.admin.organizations import counts_of
from fleets.admin.rollouts import ALL_NOW, WORDS, say, standing_of
from fleets.admin.suggesting import suggest_view
from fleets.editing import approve_organizations, override, remove_secrets_of
from fleets.models import Member, SyncSet
from fleets.planning import ask_for_plans, summary_of
from fleets.running import run_all
from syncs.access import VIEW, place_of
from syncs.admin.base import demand, is_known, not_found, only
from syncs.editing import Actor
from syncs.errors import SyncError

Owner = admin.ModelAdmin[SyncSet]


def urls_of(owner: Owner) -> list[URLPattern]:
    routes: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
        "suggest": ("organizations-of/<uuid:project_id>/", suggest_view),
        "run": ("<uuid:pk>/run/", run_view),
        "plan": ("<uuid:pk>/plan/", plan_view),
        "progress": ("<uuid:pk>/progress/", progress_view),
        "rollout": ("<uuid:pk>/rollout/<uuid:rollout_id>/<slug:what>/", rollout_view),
        "approve": ("<uuid:pk>/approve/", approve_view),
        "pause": ("<uuid:pk>/pause/<uuid:member_id>/", pause_view),
        "limits": ("<uuid:pk>/limits/<uuid:member_id>/", limits_view),
        "remove": ("<uuid:pk>/remove/<uuid:member_id>/", remove_view),
    }
    wrap = owner.admin_site.admin_view
    return [
        path(route, wrap(partial(view, owner)), name=f"fleets_syncset_{name}") for name, (route, view) in routes.items()
    ]


def find_set(request: HttpRequest, pk: UUID, *permissions: str) -> SyncSet:
    """One that the person sees, or may do this with; and may do it. Raises Http404, or PermissionDenied."""
    each = SyncSet.objects.with_source().select_related("connection").filter(pk=pk).first()
    if each is None or not is_known(request.user, place_of(each), VIEW, *permissions):
        # Whoever may do it nowhere is refused, whether or not it is there.
        demand(request, *permissions)
        raise not_found("sync set")
    demand(request, *permissions, at=place_of(each))
    return each


def _member(each: SyncSet, member_id: UUID) -> Member:
    member = each.members.select_related("sync").filter(pk=member_id).first()
    if member is None:
        raise not_found("organization in this set")
    member.set = each
    return member


@only("POST")
def run_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    """“Sync all”."""
    each = find_set(request, pk, "run_devinsync")
    runs = run_all(each, by=Actor.in_admin(request.user))
    told = "1 run has been queued." if len(runs) == 1 else f"{len(runs)} runs have been queued."
    if each.goes_in_waves:
        told = f"A rollout has begun, in waves. {told}"
    messages.success(request, told if runs else "No organization of this set has a sync that may run now.")
    return redirect(each)


@only("POST")
def rollout_view(owner: Owner, request: HttpRequest, pk: UUID, rollout_id: UUID, what: str) -> HttpResponse:
    """A person's word on a rollout: stop, go on, end, or all now."""
    each = find_set(request, pk, "run_devinsync")
    if what not in (*WORDS, ALL_NOW) or not each.rollouts.filter(pk=rollout_id).exists():
        raise not_found("rollout")
    return _done(request, each, lambda: say(each, rollout_id, what, request))


@only("POST")
def plan_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    """“Plan all”."""
    each = find_set(request, pk, "plan_devinsync")
    count = ask_for_plans(each.pk, by=Actor.in_admin(request.user))
    told = "The plan of 1 organization is being drawn." if count == 1 else f"{count} plans are being drawn."
    messages.success(request, told if count else "No organization of this set has a sync yet.")
    return redirect(each)


@only("GET")
def progress_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    """How far everything is, for a page that is open."""
    each = find_set(request, pk, "view_devinsync")
    context: dict[str, Any] = {"each": each, "counts": counts_of(each), "plans": summary_of(each), "is_open": True}
    context["standing"] = standing_of(each)
    return TemplateResponse(request, "admin/fleets/syncset/progress.html", context)


@only("POST")
def approve_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    """One organization that waits, or all that the page listed."""
    each = find_set(request, pk, "change_devinsync")
    ids = [member_id for text in request.POST.getlist("member") if (member_id := _as_id(text))]
    return _done(request, each, lambda: _approve(request, each, ids))


def _approve(request: HttpRequest, each: SyncSet, ids: list[UUID]) -> str:
    count = approve_organizations(each.pk, ids, by=Actor.in_admin(request.user))
    return "1 organization gets its sync now." if count == 1 else f"{count} organizations get their syncs now."


@only("POST")
def pause_view(owner: Owner, request: HttpRequest, pk: UUID, member_id: UUID) -> HttpResponse:
    each = find_set(request, pk, "change_devinsync")
    member, on = _member(each, member_id), request.POST.get("on") == "1"

    def pause() -> str:
        override(member.pk, {"is_enabled": None if on else False}, by=Actor.in_admin(request.user))
        return f"{member.organization} goes on within seconds." if on else f"{member.organization} is being paused."

    return _done(request, each, pause)


def limits_view(owner: Owner, request: HttpRequest, pk: UUID, member_id: UUID) -> HttpResponse:
    """Other limits for one organization; what is left empty is as the set says."""
    each = find_set(request, pk, "change_devinsync")
    member = _member(each, member_id)
    form = LimitsForm(request.POST or None, each=each, initial=member.overrides)
    if request.method == "POST" and form.is_valid():
        return _done(request, each, lambda: _limit(request, member, form.cleaned_data))
    context = {
        **owner.admin_site.each_context(request),
        "title": f"Limits of {member.organization}",
        "opts": owner.opts,
        "each": each,
        "member": member,
        "form": form,
    }
    return TemplateResponse(request, "admin/fleets/syncset/limits.html", context)


def _limit(request: HttpRequest, member: Member, said: dict[str, Any]) -> str:
    override(member.pk, said, by=Actor.in_admin(request.user))
    return f"The limits of {member.organization} change within seconds."


@only("POST")
def remove_view(owner: Owner, request: HttpRequest, pk: UUID, member_id: UUID) -> HttpResponse:
    each = find_set(request, pk, "remove_secrets")
    member = _member(each, member_id)

    def remove() -> str:
        remove_secrets_of(member.pk, by=Actor.in_admin(request.user))
        return f"The secrets of {member.organization} are being removed from Devin."

    return _done(request, each, remove)


def _done(request: HttpRequest, each: SyncSet, act: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, act())
    except SyncError as error:
        messages.error(request, error.message)
    return redirect(each)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
