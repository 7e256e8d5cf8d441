"""A folder's history: what its secrets were at a time, key by key, and setting all of them back to that."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import CHANGE
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from common.lacking import Lacking
from vault import editing
from vault.access import can
from vault.access import place_of as place_in_vault
from vault.editing.actor import REVEAL
from vault.editing.history import TO_RESTORE
from vault.errors import VaultError
from vault.history import FolderPlan, Kind, moments, plan_restore, reach
from vault.models import Folder
from vault.pages.access import actor_of, allowed, done, page, place_of
from vault.pages.effects import Foreseen, look_ahead
from vault.pages.folders import get_folder

PICK = "Enter a day and a time, such as 2026-11-24 14:00."
CHANGED = "The folder, or what this would do in Devin, has changed since the plan was shown. Look at it again."


@allowed("vault.view_folder", "vault.view_secret")
def history_page(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    """Without a time, the moments to choose from; with one, the plan; on POST carries out just that plan."""
    folder = get_folder(folder_id)
    asked = (request.POST if request.method == "POST" else request.GET).get("at", "").strip()
    if not asked:
        return _show(request, folder)
    at = _time(asked)
    if at is None:
        return _show(request, folder, asked=asked, mistake=PICK)
    if at > timezone.now():
        return _show(request, folder, asked=asked, mistake="That time has not come yet. Choose an earlier one.")
    return _plan(request, folder, at)


def _plan(request: HttpRequest, folder: Folder, at: datetime) -> HttpResponse:
    by, problem, foreseen = actor_of(request), "", None
    try:
        plan = plan_restore(folder, at, compares_values=by.can(REVEAL, place_in_vault(folder)))
        if not plan.steps:
            return _show(request, folder, at=at, plan=plan)
        if request.method == "POST":
            _check(request, folder, plan)
        foreseen = look_ahead(lambda: editing.restore_folder(folder, plan, by=by), by=by)
        if request.method == "POST":
            if request.POST.get("seen") == _seen(plan, foreseen):
                editing.restore_folder(folder, plan, by=by)
                message = f"Restored {folder.path} as it was on {_said(at)}: {_counted(plan)}."
                return done(request, folder, CHANGE, message, go_to=folder)
            problem = CHANGED
    except VaultError as error:
        problem = error.message
        plan = plan_restore(folder, at, compares_values=False)
    seen = _seen(plan, foreseen) if foreseen is not None else ""
    return _show(request, folder, at=at, plan=plan, foreseen=foreseen, seen=seen, problem=problem)


def _show(
    request: HttpRequest, folder: Folder, *, at: datetime | None = None, plan: FolderPlan | None = None, **shown: object
) -> HttpResponse:
    trash_from, versions_from = reach()
    may = plan is not None and not _lacking(request, folder, plan)
    return page(
        request,
        "history",
        title=f"History of {folder.path}",
        at=at,
        plan=plan,
        counted=_counted(plan) if plan is not None else "",
        may_restore=may,
        moments=moments(folder) if plan is None else (),
        trash_from=trash_from,
        versions_from=versions_from,
        is_before_trash=at is not None and (trash_from is None or at < trash_from),
        zone=timezone.get_current_timezone_name(),
        trash_days=settings.TRASH_KEPT.days,
        **shown,
        **place_of(folder),
    )


def _lacking(request: HttpRequest, folder: Folder, plan: FolderPlan) -> list[str]:
    place = place_in_vault(folder)
    return [right for kind, right in TO_RESTORE.items() if plan.of(kind) and not can(request.user, right, place)]


def _check(request: HttpRequest, folder: Folder, plan: FolderPlan) -> None:
    if lacking := _lacking(request, folder, plan):
        raise Lacking(lacking, where=f"in {folder}", place=place_in_vault(folder))


def _time(text: str) -> datetime | None:
    """Of a form's field, in the zone that pages show, or with a zone of its own; None for what is none."""
    try:
        at = parse_datetime(text)
        if at is None:
            return None
        at = at if timezone.is_aware(at) else timezone.make_aware(at)
        # Years at either end have no time in other zones.
        return timezone.localtime(at)
    except (ValueError, OverflowError):
        return None


def _seen(plan: FolderPlan, foreseen: Foreseen) -> str:
    return f"{plan.digest}:{foreseen.seen}"


def _said(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")


def _counted(plan: FolderPlan) -> str:
    counts = {
        "created again": len(plan.of(Kind.CREATE)),
        "changed back": len(plan.of(Kind.CHANGE)),
        "deleted": len(plan.of(Kind.DELETE)),
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
