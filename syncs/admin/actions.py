"""What can be done to one sync or to many at once from the list; what destroys is confirmed on a page of its own."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from syncs.access import place_of
from syncs.admin.base import demand, only
from syncs.admin.review import review_switch
from syncs.admin.starting import start_many, start_one
from syncs.choices import Operation, Outcome
from syncs.editing import SWITCHES, Actor, switch_sync
from syncs.errors import SyncError
from syncs.models import DevinSync, SyncRunChange
from syncs.organizations import name_organizations
from syncs.places import JOINED
from syncs.runs.trusting import doubts
from syncs.runs.wishes import Wishes
from vault.access import can, can_somewhere, visible

NAMES_SHOWN = 60
SYNCS_WITH_NAMES = 20
# What needs a page of its own before it happens, with the permission it takes.
CONFIRMED = {
    "remove": ("remove_secrets",),
    "repush": ("run_devinsync",),
    "trust": ("run_devinsync", "confirm_deletions"),
    "enable": ("change_devinsync",),
    "enable_auto": ("change_devinsync",),
}
TITLES = {
    "remove": "Remove secrets from Devin",
    "repush": "Push all secrets again",
    "trust": "Trust this database",
    "enable": "Enable syncs",
    "enable_auto": "Enable auto-sync",
}
SWITCHED_ON = {"enable": "is_enabled", "enable_auto": "auto_sync_enabled"}

Owner = admin.ModelAdmin[DevinSync]


@admin.action(description="Sync now", permissions=["run"])
def sync_now(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> None:
    start_many(request, allowed(request, queryset.select_related(*JOINED), "run_devinsync"))


@admin.action(description="Plan (choose one)", permissions=["plan"])
def plan(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse | None:
    syncs = list(queryset[:2])
    if len(syncs) == 1:
        return redirect("admin:syncs_devinsync_plan", syncs[0].pk)
    messages.warning(request, "Only one sync can be planned at a time. Choose one.")
    return None


@admin.action(description="Enable auto-sync", permissions=["change"])
def enable_auto(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse | None:
    return switch_on(owner, request, "enable_auto", queryset)


@admin.action(description="Disable auto-sync", permissions=["change"])
def disable_auto(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> None:
    switch(request, queryset, "auto_sync_enabled", on=False)


@admin.action(description="Enable", permissions=["change"])
def enable(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse | None:
    return switch_on(owner, request, "enable", queryset)


@admin.action(description="Disable", permissions=["change"])
def disable(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> None:
    switch(request, queryset, "is_enabled", on=False)


@admin.action(description="Push all secrets again…", permissions=["run"])
def repush(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse:
    return confirm_page(owner, request, "repush", list(queryset))


@admin.action(description="Remove secrets from Devin…", permissions=["remove"])
def remove_secrets(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse:
    return confirm_page(owner, request, "remove", list(queryset))


@admin.action(description="Trust this database (restored)…", permissions=["run"])
def trust(owner: Owner, request: HttpRequest, queryset: QuerySet[DevinSync]) -> HttpResponse | None:
    if syncs := in_doubt(queryset):
        return confirm_page(owner, request, "trust", syncs)
    messages.info(request, "None of these is blocked because of a restored database.")
    return None


ACTIONS = (sync_now, plan, enable_auto, disable_auto, enable, disable, repush, trust, remove_secrets)


def switch_on(owner: Owner, request: HttpRequest, what: str, queryset: QuerySet[DevinSync]) -> HttpResponse | None:
    """What runs by it is looked at first: one sync's plan here, of several each one's own page."""
    field = SWITCHED_ON[what]
    syncs = list(queryset.filter(**{field: False}).select_related(*JOINED, "connection"))
    if len(syncs) > 1:
        return confirm_page(owner, request, what, syncs)
    if syncs and (reviewed := review_switch(owner, request, syncs[0], field)):
        return reviewed
    switch(request, syncs, field, on=True)
    return None


def switch(request: HttpRequest, syncs: Iterable[DevinSync], field: str, *, on: bool) -> None:
    by, count = Actor.in_admin(request.user), 0
    for sync in allowed(request, syncs, "change_devinsync"):
        try:
            count += switch_sync(sync.pk, field, on=on, by=by)
        except SyncError as error:
            messages.error(request, error.message)
    word = "enabled" if on else "disabled"
    messages.success(request, f"{SWITCHES[field]} {word} for {count} sync{'' if count == 1 else 's'}.")


# Removing and pushing again: a page that says what will happen, then the deed


def confirm_page(owner: Owner, request: HttpRequest, what: str, syncs: list[DevinSync]) -> HttpResponse:
    if what not in CONFIRMED:
        raise Http404
    for sync in syncs:
        demand(request, *CONFIRMED[what], at=place_of(sync))
    demand(request, *CONFIRMED[what])
    name_organizations(syncs)
    rows = planned_by(syncs) if what == "trust" else [(sync, *managed_names(sync)) for sync in syncs]
    context = {
        **owner.admin_site.each_context(request),
        "title": TITLES[what],
        "opts": DevinSync._meta,
        "what": what,
        "rows": rows,
        "total": sum(count for _, count, _ in rows),
        "switches_on": what in SWITCHED_ON,
        "may_plan": can_somewhere(request.user, "syncs.plan_devinsync"),
        "back": syncs[0] if len(syncs) == 1 else None,
        "offers_to_stop": what == "remove"
        and any(sync.auto_sync_enabled and owner.has_change_permission(request, sync) for sync in syncs),
    }
    return TemplateResponse(request, "admin/syncs/devinsync/confirm.html", context)


@only("POST")
def confirmed(owner: Owner, request: HttpRequest, what: str) -> HttpResponse:
    if what not in CONFIRMED:
        raise Http404
    demand(request, *CONFIRMED[what])
    operation = Operation.REMOVE if what == "remove" else Operation.SYNC
    wishes = Wishes(repushes_all=what == "repush", accepts_rollback=what == "trust")
    try:
        ids = [UUID(text) for text in request.POST.getlist("sync")]
    except ValueError:
        raise Http404 from None
    syncs = list(visible(request.user, DevinSync.objects.with_source().filter(pk__in=ids)))
    for sync in syncs:
        demand(request, *CONFIRMED[what], at=place_of(sync))
    if what in SWITCHED_ON:
        switch(request, syncs, SWITCHED_ON[what], on=True)
        return redirect("admin:syncs_devinsync_changelist")
    if what == "trust":
        syncs = in_doubt(syncs)
    if what == "remove" and request.POST.get("stop_auto_sync"):
        switch(request, allowed(request, syncs, "change_devinsync"), "auto_sync_enabled", on=False)
    if len(syncs) == 1:
        return redirect(start_one(request, syncs[0], operation=operation, wishes=wishes) or syncs[0])
    start_many(request, syncs, operation=operation, wishes=wishes)
    return redirect("admin:syncs_devinsync_changelist")


def allowed(request: HttpRequest, syncs: Iterable[DevinSync], permission: str) -> list[DevinSync]:
    """Those with which the person may do it; of the others they are told."""
    every = list(syncs)
    found = [sync for sync in every if can(request.user, f"syncs.{permission}", place_of(sync))]
    if refused := len(every) - len(found):
        which = "1 sync" if refused == 1 else f"{refused} syncs"
        messages.warning(request, f"Left out {which}: you lack the permission syncs.{permission} there.")
    return found


def in_doubt(syncs: Iterable[DevinSync]) -> list[DevinSync]:
    """Those whose last run found that Devin holds later notes than this database knows of."""
    chosen = {sync.pk: sync for sync in syncs}
    return [chosen[doubt.sync_id] for doubt in doubts(list(chosen))]


def planned_by(syncs: list[DevinSync]) -> list[tuple[DevinSync, int, list[str]]]:
    """How much the blocked run of each would have written or deleted, and of the first ones the keys."""
    counts = {doubt.sync_id: doubt.changes for doubt in doubts([sync.pk for sync in syncs])}
    named = {sync.pk for sync in syncs[:SYNCS_WITH_NAMES]}
    return [(sync, counts.get(sync.pk, 0), planned_names(sync) if sync.pk in named else []) for sync in syncs]


def planned_names(sync: DevinSync) -> list[str]:
    rows = SyncRunChange.objects.filter(run_id=sync.last_sync_run_id).exclude(outcome=Outcome.DONE)
    return list(rows.order_by("destination_key").values_list("destination_key", flat=True)[:NAMES_SHOWN])


def managed_names(sync: DevinSync) -> tuple[int, list[str]]:
    """How many secrets the sync has written to Devin, and the first of their keys."""
    rows = sync.managed_secrets.order_by("destination_key")
    return rows.count(), list(rows.values_list("destination_key", flat=True)[:NAMES_SHOWN])
