"""The review of an edited sync: nobody changes in Devin what they have not seen. Saves nothing before that.

What was entered travels in the page itself, so that nothing of it is lost, stored or mixed up with another window's.
What is saved is what was shown: the plan is drawn once more, and if it is another one, that one is shown.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html

from connections.devin.errors import DevinError
from encryption import DecryptionError
from syncs.access import VIEW_RUN, place_of
from syncs.admin.edit import SyncForm
from syncs.admin.plan_page import ShownPlan, show
from syncs.admin.starting import link_to
from syncs.choices import Operation
from syncs.editing import SWITCHES, Actor, Edited, change_sync, foresee_change
from syncs.editing.crossings import changed_settings, crossings
from syncs.engine.overlaps import overlapping_syncs
from syncs.engine.preview import Preview, preview
from syncs.errors import SyncError
from syncs.models import DevinSync, SyncRun
from syncs.runs.wishes import Wishes
from vault.access import can

# What a person chose on the review, and the fields that are its own.
ANSWER, BACK, SYNC, LATER, DISABLED = "reviewed", "back", "sync", "later", "disabled"
OWN = (ANSWER, "review-plan", "review-confirm", "csrfmiddlewaretoken", "_save")
# Fields by which no secret changes in Devin.
QUIET = frozenset({"name", "description", "reconcile_minutes", "seen_version", "old_secrets"})

CHANGED = "The plan has changed since it was shown. Please look at the new one, then save."
NO_CONSENT = "Tick this box if these secrets may go, or go back and change the settings."


@dataclass(frozen=True)
class Review:
    """A sync before and after an edit, and what the edit does in Devin; `problem` says why that cannot be told."""

    before: DevinSync
    after: DevinSync
    removed: Sequence[str] = ()
    drawn: Preview | None = None
    problem: str = ""

    @property
    def shown(self) -> ShownPlan | None:
        return show(self.drawn.plan, self.drawn.authors) if self.drawn is not None else None

    @property
    def changes_nothing(self) -> bool:
        if self.drawn is None or self.removed:
            return False
        return self.drawn.plan.is_empty and not self.drawn.plan.refusals

    @property
    def asks(self) -> bool:
        """Whether it takes a person's consent, because what is lost was not written by DevinSync."""
        return self.after.is_enabled and self.shown is not None and self.shown.stranger_count > 0

    @property
    def digest(self) -> str:
        """Names all that is shown, so that just this is saved."""
        plan = self.drawn.plan.digest if self.drawn is not None else ""
        shown = (plan, list(self.removed), changed_settings(self.before, self.after), self.before.version)
        return sha256(repr(shown).encode()).hexdigest()


def review_edit(owner: Any, request: HttpRequest, sync: DevinSync, data: QueryDict) -> HttpResponse | None:
    """The review, or what follows once it is answered; None where the edit is refused, or changes nothing in Devin."""
    form: SyncForm = owner.get_form(request, sync, change=True)(data, instance=copy(sync))
    if not form.is_valid() or not calls_for_review(form):
        return None
    try:
        after = foresee_change(sync.pk, form.to_save(), by=Actor.in_admin(request.user), removes_old=form.removes_old)
    except SyncError:
        return None
    names_authors = can(request.user, VIEW_RUN, place_of(after))
    review = draw(sync, after, form, may_plan=owner.has_plan_permission(request, sync), names_authors=names_authors)
    if review.changes_nothing:
        return None
    return answer(owner, request, review, form) or show_review(owner, request, review, data)


def calls_for_review(form: SyncForm) -> bool:
    """Switching off alone changes nothing in Devin."""
    changed = set(form.changed_data) - QUIET
    return bool(changed - {name for name in SWITCHES if not form.cleaned_data.get(name)})


def draw(before: DevinSync, after: DevinSync, form: SyncForm, *, may_plan: bool, names_authors: bool) -> Review:
    """Talks to Devin, so never inside of a transaction."""
    removed: list[str] = []
    if form.removes_old and form.old_place is not None:
        rows = form.old_place.secrets_of(before).order_by("destination_key")
        removed = list(rows.values_list("destination_key", flat=True))
    if not may_plan:
        return Review(before, after, removed, problem="Your account may not see what a run would do.")
    try:
        return Review(before, after, removed, preview(after, names_authors=names_authors))
    except (SyncError, DevinError, DecryptionError) as error:
        return Review(before, after, removed, problem=str(error))


def answer(owner: Any, request: HttpRequest, review: Review, form: SyncForm) -> HttpResponse | None:
    """Saves what was shown, if a person has said so; None if they are to look, at first or once more."""
    given = request.POST.get(ANSWER, "")
    if given not in (SYNC, LATER, DISABLED):
        return None
    if request.POST.get("review-plan") != review.digest:
        messages.warning(request, CHANGED)
        return None
    if given not in ways(owner, request, review) or lacks_consent(request, review):
        return None
    try:
        edited = save(request, review, form, given)
    except SyncError as error:
        messages.error(request, error.message)
        return redirect(review.before)
    return tell(request, edited)


def ways(owner: Any, request: HttpRequest, review: Review) -> list[str]:
    """How it may be saved. What cannot be looked at runs only once somebody has looked at it."""
    if review.drawn is None:
        return [DISABLED]
    after, is_stuck = review.after, review.shown is not None and review.shown.is_stuck
    may_run = after.is_enabled and (after.runs_by_itself or owner.has_run_permission(request, after))
    return [SYNC, LATER] if may_run and not is_stuck else [LATER]


def lacks_consent(request: HttpRequest, review: Review) -> bool:
    return review.asks and not request.POST.get("review-confirm")


def save(request: HttpRequest, review: Review, form: SyncForm, given: str) -> Edited:
    """The run may delete just what was shown, if it was shown to somebody who may confirm deletions."""
    fields = form.to_save() | ({"is_enabled": False} if given == DISABLED else {})
    may_confirm = can(request.user, "syncs.confirm_deletions", place_of(review.after))
    ids = review.shown.deletion_ids if review.shown is not None and may_confirm else None
    return change_sync(
        review.before.pk,
        fields,
        by=Actor.in_admin(request.user),
        seen_version=form.cleaned_data["seen_version"],
        removes_old=form.removes_old,
        runs=given == SYNC,
        wishes=Wishes(confirmed_deletions=ids),
    )


def tell(request: HttpRequest, edited: Edited) -> HttpResponse:
    if edited.run is not None:
        messages.success(request, format_html("Saved. {} has been queued.", link_to(edited.run, "A run")))
        return redirect(edited.run)
    why = "No run was started." if edited.sync.is_enabled else "The sync is disabled."
    messages.success(request, f"Saved. {why}")
    return redirect(edited.sync)


def show_review(owner: Any, request: HttpRequest, review: Review, data: QueryDict) -> HttpResponse:
    after, given = review.after, request.POST.get(ANSWER, "")
    context = {
        **owner.admin_site.each_context(request),
        "title": f"Review the changes of {review.before.name}",
        "opts": DevinSync._meta,
        "review": review,
        "sync": after,
        "before": review.before,
        "crossings": crossings(review.before, after),
        "changed": changed_settings(review.before, after),
        "entries": [(name, value) for name, values in data.lists() if name not in OWN for value in values],
        "overlapping": overlapping_syncs(after, seen_by=request.user),
        "shown": review.shown,
        "blocked": review.drawn.blocked if review.drawn is not None else None,
        "ways": ways(owner, request, review),
        "may_confirm": can(request.user, "syncs.confirm_deletions", place_of(after)),
        "may_plan": owner.has_plan_permission(request, review.before),
        "asks": review.asks,
        "error": NO_CONSENT if given in (SYNC, LATER) and lacks_consent(request, review) else "",
        "runs_anyway": SyncRun.objects.pending().filter(sync=review.before, operation=Operation.SYNC).exists(),
    }
    return TemplateResponse(request, "admin/syncs/devinsync/review.html", context)


def review_switch(owner: Any, request: HttpRequest, sync: DevinSync, field: str) -> HttpResponse | None:
    """Switching on, as an edit of this one field; None where it changes nothing in Devin, or nothing could run."""
    form = owner.get_form(request, sync, change=True)(instance=copy(sync))
    return review_edit(owner, request, sync, entries_of(form, **{field: "on"}))


def entries_of(form: SyncForm, **changed: str) -> QueryDict:
    """What the form would send as it stands, but for these."""
    data = QueryDict(mutable=True)
    for bound in form:
        value = bound.value()
        if value not in (None, False):
            data[bound.html_name] = "on" if value is True else str(value)
    for name, value in changed.items():
        data[name] = value
    return data
