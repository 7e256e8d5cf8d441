"""The page of secrets that DevinSync did not write and that a run asked about: a person decides on them."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from syncs.access import VIEW_RUN, place_of
from syncs.admin.actions import Owner
from syncs.admin.base import demand, find_sync
from syncs.admin.plan_page import SHOWN_AT_MOST
from syncs.choices import Decision
from syncs.editing import Actor, decide_on_strangers, waiting_strangers
from syncs.errors import EditRefused
from syncs.models import DevinSync
from vault.access import at

DECIDED = {
    Decision.DELETE: "{} will be deleted from Devin.",
    Decision.LEAVE: "{} will be left alone from now on.",
    Decision.ADOPT: "{} belong to this sync now.",
}


def strangers_view(owner: Owner, request: HttpRequest, pk: UUID) -> HttpResponse:
    """The secrets that DevinSync did not write and that the last run asked about; and a person's word on them."""
    sync = find_sync(request, pk, "view_devinsync")
    may = at(request.user, place_of(sync))
    chosen, word = request.POST.getlist("secret"), request.POST.get("decision", "")
    if request.method == "POST" and word in Decision.values and chosen:
        demand(request, "run_devinsync", "confirm_deletions", at=place_of(sync))
        if word != Decision.DELETE or "confirmed" in request.POST:
            return decide(request, sync, chosen, Decision(word))
    elif request.method == "POST":
        messages.error(request, "Tick the secrets that you have decided on.")
    waiting = waiting_strangers(sync)
    doomed = list(waiting.filter(secret_id__in=chosen)) if word == Decision.DELETE else []
    context = {
        **owner.admin_site.each_context(request),
        "title": "Delete these from Devin?" if doomed else "Secrets that DevinSync did not write",
        "opts": DevinSync._meta,
        "sync": sync,
        "rows": waiting.prefetch_related("run")[:SHOWN_AT_MOST],
        "count": waiting.count(),
        "doomed": doomed,
        "names_authors": may(VIEW_RUN),
        "may_decide": may("syncs.run_devinsync") and may("syncs.confirm_deletions"),
    }
    return TemplateResponse(request, "admin/syncs/devinsync/strangers.html", context)


def decide(request: HttpRequest, sync: DevinSync, chosen: list[str], decision: Decision) -> HttpResponse:
    try:
        keys, run = decide_on_strangers(sync.pk, chosen, decision, by=Actor.in_admin(request.user))
    except EditRefused as refused:
        messages.error(request, refused.message)
        return redirect("admin:syncs_devinsync_strangers", sync.pk)
    count = "1 secret" if len(keys) == 1 else f"{len(keys)} secrets"
    told = DECIDED[decision].format(count)
    messages.success(request, f"{told} A run has been queued." if run else told)
    return redirect(run or sync)
