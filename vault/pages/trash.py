"""The trash of a project: what it holds and for how long; bringing it back, and deleting it for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import ADDITION, DELETION
from django.core.paginator import Paginator
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from vault import editing
from vault.access import can, visible
from vault.access.trash import TO_DELETE, TO_RESTORE, place_of_entry
from vault.editing.trash import going_with
from vault.errors import VaultError
from vault.models import Environment, Folder, Project, Secret, TrashEntry
from vault.pages.access import actor_of, allowed, done, done_to_many, page, place_of, user_of
from vault.pages.effects import Foreseen, look_ahead
from vault.pages.places import demand_in
from vault.returning import Returned
from vault.trash import in_trash

ENTRIES_A_PAGE = 50
NAMED = 20


@dataclass(frozen=True)
class Shown:
    """An entry with what its reader may do to it."""

    row: TrashEntry
    may_restore: bool
    may_delete: bool

    @property
    def goes_at(self) -> datetime:
        return self.row.deleted_at + settings.TRASH_KEPT


@dataclass(frozen=True)
class RestoreQuestion:
    """Asked in the words of `admin/vault/ask.html`, where something is to be said."""

    left: Foreseen
    unkept: int

    @property
    def seen(self) -> str:
        return f"{self.unkept}:{self.left.seen}"


@allowed("vault.view_project", "vault.view_folder", "vault.view_secret")
def trash_page(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    query = request.GET.get("q", "").strip()
    entries = visible(request.user, in_trash().filter(project=project).select_related("deleted_by"))
    if query:
        entries = entries.filter(Q(name__icontains=query) | Q(place__icontains=query))
    shown = Paginator(entries, ENTRIES_A_PAGE).get_page(request.GET.get("page"))
    rows = [Shown(each, _may(request, TO_RESTORE, each), _may(request, TO_DELETE, each)) for each in shown]
    days = settings.TRASH_KEPT.days
    return page(request, "trash", title="Trash", rows=rows, entries=shown, query=query, days=days, **_place(project))


@require_POST
@allowed("vault.view_project")
def restore(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    entry = _get(entry_id)
    _check(request, TO_RESTORE, [entry])
    try:
        if (question := _ask(request, entry)) is not None:
            title = f"Restore {entry}?"
            return page(request, "ask", title=title, question=question, notes=_notes(question), **_place(entry.project))
        return _restored(request, [entry], editing.restore(entry, by=actor_of(request)))
    except VaultError as error:
        messages.error(request, f"Nothing was restored. {error.message}")
        return HttpResponseRedirect(_url(entry.project_id))


@require_POST
@allowed("vault.view_project")
def undo(request: HttpRequest, deletion: UUID) -> HttpResponse:
    """By who deleted it, in one step: it was told at its deletion what this brings back."""
    entries = list(in_trash().filter(deletion=deletion, deleted_by=user_of(request)).select_related("project"))
    if not entries:
        messages.error(
            request, "There is nothing left to undo: it was restored already, or its time in the trash is over."
        )
        return HttpResponseRedirect(reverse("admin:vault_project_changelist"))
    _check(request, TO_RESTORE, entries)
    try:
        return _restored(request, entries, editing.restore_all(entries, by=actor_of(request)))
    except VaultError as error:
        messages.error(request, f"Nothing was restored. {error.message}")
        return HttpResponseRedirect(_url(entries[0].project_id))


@allowed("vault.view_project")
def delete_for_good(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Asks on GET, with all that goes; deletes on POST, if just so much was shown."""
    entry = _get(entry_id)
    going = going_with(entry)
    _check(request, TO_DELETE, going)
    seen = ",".join(sorted(str(each.pk) for each in going))
    if request.method == "POST" and request.POST.get("seen") == seen:
        editing.delete_for_good(entry, by=actor_of(request))
        message = f"Deleted {_counted(going)} for good."
        return done(request, entry, DELETION, message, go_to=entry.project, url=_url(entry.project_id))
    others = [str(each) for each in going if each.pk != entry.pk]
    shown = {"entry": entry, "counted": _counted(going), "others": others[:NAMED], "more": len(others[NAMED:])}
    refusal = (
        "What would go has changed since this page was shown. Look at it again." if request.method == "POST" else ""
    )
    title = f"Delete {entry} for good?"
    return page(request, "trash_delete", title=title, seen=seen, refusal=refusal, **shown, **_place(entry.project))


def _get(entry_id: UUID) -> TrashEntry:
    return get_object_or_404(in_trash().select_related("project"), pk=entry_id)


def _may(request: HttpRequest, rights: Mapping[str, tuple[str, ...]], entry: TrashEntry) -> bool:
    place = place_of_entry(entry)
    return all(can(request.user, right, place) for right in rights[entry.kind])


def _check(request: HttpRequest, rights: Mapping[str, tuple[str, ...]], entries: Sequence[TrashEntry]) -> None:
    for entry in entries:
        if not request.user.has_perms(rights[entry.kind]):
            demand_in(request.user, rights[entry.kind], entry)


def _ask(request: HttpRequest, entry: TrashEntry) -> RestoreQuestion | None:
    """None where there is nothing to tell, or just this has been seen. Raises what restoring would raise."""
    by, tried = actor_of(request), list[Returned]()
    foreseen = look_ahead(lambda: tried.append(editing.restore(entry, by=by)), by=by)
    question = RestoreQuestion(foreseen, len(tried[0].unkept))
    has_reason = foreseen.says_something or question.unkept > 0
    return question if has_reason and request.POST.get("seen") != question.seen else None


def _notes(question: RestoreQuestion) -> list[str]:
    return [_without(question.unkept)] if question.unkept else []


def _without(unkept: int) -> str:
    imports = "1 import is" if unkept == 1 else f"{unkept:,} imports are"
    return (
        f"{imports} left out, because the folder to import from is gone or in the trash itself. Restore that one first."
    )


def _restored(request: HttpRequest, entries: Sequence[TrashEntry], returned: Returned) -> HttpResponse:
    if len(entries) > 1:
        # Only secrets go many at a time.
        secrets = list(Secret.objects.select_related("folder").filter(pk__in=[entry.item for entry in entries]))
        message = f"Restored {len(secrets):,} secrets."
        return done_to_many(request, secrets, ADDITION, message, go_to=secrets[0].folder)
    row, go_to = _row_of(entries[0])
    message = f"Restored {entries[0]}. {_without(len(returned.unkept)) if returned.unkept else ''}".strip()
    return done(request, row, ADDITION, message, go_to=go_to)


def _row_of(entry: TrashEntry) -> tuple[Model, Model]:
    """What came back, and the page that shows it."""
    if entry.kind == TrashEntry.Kind.SECRET:
        secret = Secret.objects.select_related("folder").get(pk=entry.item)
        return secret, secret.folder
    if entry.kind == TrashEntry.Kind.FOLDER:
        folder = Folder.objects.select_related("environment").get(pk=entry.item)
        return folder, folder
    return Environment.objects.get(pk=entry.item), entry.project


def _counted(entries: Sequence[TrashEntry]) -> str:
    environments = sum(each.kind == TrashEntry.Kind.ENVIRONMENT for each in entries)
    counts = {
        "environment": environments,
        "folder": sum(each.folders for each in entries),
        "secret": sum(each.secrets for each in entries),
    }
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items() if count)


def _place(project: Project) -> dict[str, object]:
    return place_of(project) | {"project": project, "back_url": _url(project.pk)}


def _url(project_id: UUID) -> str:
    return reverse("admin:vault_trash_page", args=[project_id])


ROUTES = (
    ("<uuid:project_id>/trash/", trash_page, "trash_page"),
    ("trash/<uuid:entry_id>/restore/", restore, "trash_restore"),
    ("trash/<uuid:entry_id>/delete/", delete_for_good, "trash_delete"),
    ("trash/undo/<uuid:deletion>/", undo, "trash_undo"),
)
