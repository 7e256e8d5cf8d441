"""The page to which a message leads whoever is to approve a plan: what it would do, one button, refuse beside it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Case, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from syncs.access import place_of_run
from syncs.admin.base import outcome_badge
from syncs.choices import Action, Answer, Outcome
from syncs.editing import Actor
from syncs.errors import NotRunnable
from syncs.models import PlanApproval, SyncRun
from syncs.runs import approving
from vault.access import can

CONFIRM = "syncs.confirm_deletions"
CHANGES_SHOWN = 200


def approve_view(owner: Any, request: HttpRequest, pk: UUID) -> HttpResponse:
    run: SyncRun = owner.get_run(request, pk, *(["approve_runs"] if request.method == "POST" else []))
    place = place_of_run(run)
    if request.method == "POST":
        return _answer(request, run)
    last = approving.newest(run)
    waiting = last if last is not None and approving.is_waiting(last) else run
    plan, user = PlanApproval.objects.filter(pk=waiting.pk).first(), request.user
    context = {
        **owner.admin_site.each_context(request),
        "title": f"Approve the plan of {waiting.sync_name}",
        "opts": SyncRun._meta,
        "run": waiting,
        "plan": plan,
        "is_open": approving.is_waiting(waiting) and waiting == last,
        "is_own": plan is not None and approving.is_own(plan, user),
        "may_approve": can(user, "syncs.approve_runs", place),
        "confirms": can(user, CONFIRM, place),
        **_changes_of(waiting),
    }
    return TemplateResponse(request, "admin/syncs/syncrun/approve.html", context)


def _changes_of(run: SyncRun) -> dict[str, Any]:
    deletions_first = Case(When(action=Action.DELETE, then=Value(0)), default=Value(1))
    rows = run.changes.filter(outcome=Outcome.PLANNED).order_by(deletions_first, "pk")
    page = Paginator(rows, CHANGES_SHOWN).get_page(1)
    return {"changes": [(row, outcome_badge(row.outcome)) for row in page], "page": page}


def _answer(request: HttpRequest, run: SyncRun) -> HttpResponse:
    answer, digest, user = request.POST.get("answer"), request.POST.get("digest", ""), request.user
    if answer not in Answer.values:
        raise PermissionDenied
    try:
        with transaction.atomic():
            if answer == Answer.REFUSED:
                follows = approving.refuse(run, digest, user=user)  # type: ignore[arg-type]
            else:
                confirms = can(user, CONFIRM, place_of_run(run))
                follows = approving.approve(run, digest, user=user, confirms=confirms)  # type: ignore[arg-type]
            Actor.in_admin(user).note_changed(run, f"{Answer(answer).label} the plan {digest[:12]}")
    except NotRunnable as error:
        messages.error(request, error.message)
        return redirect("admin:syncs_syncrun_approve", run.pk)
    messages.success(request, f"The plan of “{run.sync_name}” is {answer}.")
    return redirect(follows)


def approval_of(run: SyncRun) -> dict[str, Any]:
    """For the page of a run: whether it waits for somebody, and who approved or refused what it does."""
    last = approving.newest(run) if approving.is_waiting(run) else None
    return {"waits_for_approval": last == run and last is not None, "approval": approving.plan_of(run)}
