"""The page of a connection's API key: rotate it now or by schedule, replace it by hand, and what came of the last one.

Rotating, now or by schedule, takes a permission of its own: it makes and revokes keys in Devin. Replacing by hand takes
that to change connections. Whoever has one of them sees the page, after they have confirmed that it is they.
"""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.views.decorators.debug import sensitive_post_parameters

from common.lacking import demand_rights
from connections.devin.app import API_KEY
from connections.errors import ConnectionFailed
from connections.models import Connection, Organization
from connections.reach import VIEW
from connections.repointing import why_it_stays
from connections.rotation.asking import NotAsked, ask, ask_with, latest, why_not
from connections.rotation.giving_up import NotGivenUp, give_up
from connections.rotation.models import KeyRotation, Step, Trigger
from connections.rotation.scheduling import LONGEST_DAYS, SHORTEST_DAYS, in_words, rotate_every
from connections.rotation.telling import badge_of
from connections.rotation.troubles import stands_still
from connections.rotation.uses import used_organizations

CHANGE_CONNECTION, ROTATE_CONNECTION = "connections.change_connection", "connections.rotate_connection"
NAMED = 20
STEPS = (Step.MAKING, Step.MADE, Step.SWITCHED, Step.PROVEN)


class ScheduleForm(forms.Form):
    days = forms.IntegerField(
        label="Rotate by itself every … days",
        required=False,
        min_value=SHORTEST_DAYS,
        max_value=LONGEST_DAYS,
        help_text="Empty: only when somebody asks for it. The first time so many days from now.",
    )


class NewKeyForm(forms.Form):
    api_key = forms.CharField(
        label="New API key",
        max_length=API_KEY.longest * 2,
        widget=forms.PasswordInput(render_value=False, attrs={"class": "vTextField", "autocomplete": "new-password"}),
        help_text="It starts with “cog_”. It is tested before the old one is dropped.",
    )


@sensitive_post_parameters()
def key_page(request: HttpRequest, object_id: UUID) -> HttpResponse:
    _demand_to_see(request)
    connection = get_object_or_404(Connection, pk=object_id, app=Connection.App.DEVIN)
    schedule = ScheduleForm(
        request.POST if "schedule" in request.POST else None, initial={"days": connection.rotate_every_days}
    )
    new_key = NewKeyForm(request.POST if "replace" in request.POST else None)
    if request.method == "POST" and _do(request, connection, schedule, new_key):
        return redirect("admin:connections_connection_key", connection.pk)
    return TemplateResponse(request, "admin/connections/key.html", _context(request, connection, schedule, new_key))


def key_progress(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The part of the page that changes while a rotation goes on; `seen` is the one whose end reloads the page."""
    _demand_to_see(request)
    connection = get_object_or_404(Connection, pk=object_id, app=Connection.App.DEVIN)
    rotation = latest(connection)
    return render(request, "admin/connections/key_progress.html", {"rotation": rotation, **_steps(rotation)})


def _demand_to_see(request: HttpRequest) -> None:
    """Raises Lacking."""
    if not request.user.has_perm(CHANGE_CONNECTION):
        demand_rights(request.user, VIEW, ROTATE_CONNECTION)


def _do(request: HttpRequest, connection: Connection, schedule: ScheduleForm, new_key: NewKeyForm) -> bool:
    """What was sent; False where the page has to say what is wrong with it."""
    # To give up takes either: a key works afterwards, whoever does it.
    if "give-up" not in request.POST:
        demand_rights(request.user, CHANGE_CONNECTION if "replace" in request.POST else ROTATE_CONNECTION)
    if "give-up" in request.POST or "rotate" in request.POST:
        _begin_or_end(request, connection)
        return True
    if schedule.is_valid():
        days = schedule.cleaned_data["days"]
        rotate_every(connection, days)
        _note(request, connection, in_words(days))
        messages.success(request, f"The key is rotated every {days} days." if days else "No schedule any more.")
        return True
    return new_key.is_valid() and _replace(request, connection, new_key)


def _begin_or_end(request: HttpRequest, connection: Connection) -> None:
    who = request.user.get_username()
    try:
        if "rotate" in request.POST:
            ask(connection, trigger=Trigger.PERSON, by=who)
            _note(request, connection, "Asked for another API key.")
        else:
            give_up(connection, by=who)
    except (NotAsked, NotGivenUp) as problem:
        messages.error(request, problem.message)


def _replace(request: HttpRequest, connection: Connection, form: NewKeyForm) -> bool:
    if refusal := why_it_stays(connection, request.user.has_perm):
        form.add_error("api_key", refusal)
        return False
    try:
        ask_with(connection, form.cleaned_data["api_key"], by=request.user.get_username())
    except (NotAsked, ConnectionFailed) as problem:
        form.add_error("api_key", problem.message)
        return False
    except ValidationError as problem:
        form.add_error("api_key", problem.messages)
        return False
    _note(request, connection, "Gave an API key to take the place of the old one.")
    return True


def _note(request: HttpRequest, connection: Connection, said: str) -> None:
    assert request.user.pk is not None  # noqa: S101 -- the page is for people who may change connections
    LogEntry.objects.log_actions(request.user.pk, [connection], CHANGE, change_message=said, single_object=True)


def _context(
    request: HttpRequest, connection: Connection, schedule: ScheduleForm, new_key: NewKeyForm
) -> dict[str, Any]:
    rotation = latest(connection)
    used = used_organizations(connection)
    named = dict(Organization.objects.filter(connection=connection, org_id__in=used).values_list("org_id", "name"))
    return {
        **admin.site.each_context(request),
        "title": f"API key of {connection.name}",
        "opts": Connection._meta,
        "connection": connection,
        "rotation": rotation,
        "is_under_way": rotation is not None and not rotation.is_over,
        "why_not": why_not(connection),
        "organizations": [(org_id, named.get(org_id, "")) for org_id in used[:NAMED]],
        "more_organizations": max(len(used) - NAMED, 0),
        "sync_count": connection.syncs.count(),
        "may_rotate": request.user.has_perm(ROTATE_CONNECTION),
        "may_replace": request.user.has_perm(CHANGE_CONNECTION),
        "schedule": schedule,
        "new_key": new_key,
        **_steps(rotation),
    }


def _steps(rotation: KeyRotation | None) -> dict[str, Any]:
    """How far it has come, and how its end looks."""
    if rotation is None:
        return {}
    order = list(Step)
    at = order.index(Step(rotation.step))
    tone, word = badge_of(rotation)
    is_back = rotation.step in (Step.RETURNING, Step.RETURNED)
    return {
        "steps": [] if is_back or rotation.is_by_hand else [(step.label, order.index(step) < at) for step in STEPS],
        "step_number": 0 if is_back else max(at, 1),
        "step_total": len(STEPS) + 1,
        "tone": tone,
        "word": word if stands_still(rotation) else "",
    }
