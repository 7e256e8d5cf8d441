"""What is done to the secrets of a folder that were ticked on a page, all at once: copy, move, delete, tag."""

from functools import partial
from uuid import UUID

from django.contrib.admin.models import CHANGE, DELETION
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_POST

from vault import editing
from vault.access import Place, can
from vault.editing import Actor
from vault.editing.ties import load_ties
from vault.errors import EditingError, Invalid
from vault.models import Folder, Project, Secret, Tag
from vault.pages.access import actor_of, allowed, done_to_many, page, place_of, user_of
from vault.pages.deleting import CHANGED, name_some
from vault.pages.effects import Foreseen, enumerate_names, is_agreed, look_ahead
from vault.pages.folders import get_folder
from vault.pages.secrets import seen_of
from vault.pages.transfers import Asked, ask
from vault.pages.undo import stays
from vault.transfer_forms import CopyForm, MoveForm, TagForm

# A page of a folder shows fewer.
MOST_TICKED = 500
NONE_TICKED = "No secret was ticked. Go back to the folder, and tick some."
TOO_MANY = f"At most {MOST_TICKED:,} secrets go at once. Take the whole folder instead."
PATH_HELP = "The path of a folder: /services/api. One that is not there yet is made."


@require_POST
@allowed("vault.view_secret", "vault.reveal_secret", "vault.add_secret", "vault.change_secret")
def copy_ticked(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder, keys, by = get_folder(folder_id), ticked_keys(request), actor_of(request)
    form = CopyForm(_sent(request), here=folder, user=user_of(request), path=folder.path, path_help=PATH_HELP)
    return ask(
        request,
        _asked(folder, keys, "Copy", "Copied"),
        form,
        lambda environment, path, seen: editing.copy_secrets(
            folder, keys, environment, path, replaces=form.cleaned_data["replaces"], seen=seen, by=by
        ),
    )


@require_POST
@allowed("vault.view_secret", "vault.add_secret", "vault.change_secret", "vault.delete_secret")
def move_ticked(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder, keys, by = get_folder(folder_id), ticked_keys(request), actor_of(request)
    form = MoveForm(_sent(request), here=folder, user=user_of(request), path=folder.path, path_help=PATH_HELP)
    return ask(
        request,
        _asked(folder, keys, "Move", "Moved", leaves=True),
        form,
        lambda environment, path, seen: editing.move_secrets(
            folder, keys, environment, path, carries_references=form.cleaned_data["carries"], seen=seen, by=by
        ),
    )


@require_POST
@allowed("vault.view_secret", "vault.delete_secret")
def delete_ticked(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    """Asks, with what becomes of Devin and of references; deletes if just that was shown."""
    folder, keys, by = get_folder(folder_id), ticked_keys(request), actor_of(request)
    refusal, foreseen, secrets = "", None, list[Secret]()
    try:
        secrets = _secrets(folder, keys)
        foreseen = look_ahead(lambda: editing.delete_secrets(secrets, by=by), by=by)
        if _is_confirmed(request, foreseen):
            editing.delete_secrets(secrets, by=by)
            message = f"Deleted {enumerate_names(keys)}."
            return done_to_many(request, secrets, DELETION, message, go_to=folder)
        refusal = CHANGED if "confirmed" in request.POST else ""
    except EditingError as error:
        refusal = error.message
    return page(
        request,
        "delete",
        title=f"Delete {_count(keys)} of {folder}?",
        refusal=refusal,
        contents=[f"{name}, with all versions" for name in name_some(keys)],
        foreseen=foreseen,
        referrers=seen_of(request, _referrers(folder, secrets)),
        stays=stays(),
        ticked=keys,
        **place_of(folder),
    )


@require_POST
@allowed("vault.view_secret", "vault.change_secret")
def tag_ticked(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder, keys = get_folder(folder_id), ticked_keys(request)
    project, refusal = folder.environment.project, _refusal(keys)
    present = Tag.objects.filter(secrets__folder=folder, secrets__key__in=keys[:MOST_TICKED]).distinct()
    sent, may_add = (
        request.POST if "tagged" in request.POST else None,
        can(request.user, "vault.add_tag", Place(project.pk)),
    )
    form, foreseen = TagForm(sent, project=project, present=present, may_add=may_add), None
    if form.is_valid() and not refusal:
        try:
            secrets = _secrets(folder, keys)
            retag = partial(_retag, project, secrets, form, actor_of(request))
            foreseen = look_ahead(retag, by=actor_of(request))
            if is_agreed(request, foreseen):
                retag()
                return done_to_many(request, secrets, CHANGE, f"Tagged {enumerate_names(keys)}.", go_to=folder)
            refusal = CHANGED if "seen" in request.POST else ""
        except EditingError as error:
            refusal = error.message
    return page(
        request,
        "tag",
        title=f"Tag {_count(keys)} of {folder}",
        form=form,
        foreseen=foreseen,
        refusal=refusal,
        contents=name_some(keys),
        ticked=keys,
        **place_of(folder),
    )


def _retag(project: Project, secrets: list[Secret], form: TagForm, by: Actor) -> None:
    add, remove = form.cleaned_data["add"], form.cleaned_data.get("remove", ())
    editing.change_tags(project, secrets, add=add, remove=remove, by=by)


def ticked_keys(request: HttpRequest) -> list[str]:
    return list(dict.fromkeys(request.POST.getlist("key")))


def _sent(request: HttpRequest) -> QueryDict | None:
    """None where only secrets were ticked, and nobody was asked yet where they shall go."""
    return request.POST if "path" in request.POST else None


def _asked(folder: Folder, keys: list[str], verb: str, past: str, *, leaves: bool = False) -> Asked:
    refusal = _refusal(keys)
    return Asked(folder, f"{verb} {_count(keys)} from {folder}", verb, past, keys, keys, leaves=leaves, refusal=refusal)


def _refusal(keys: list[str]) -> str:
    return NONE_TICKED if not keys else TOO_MANY if len(keys) > MOST_TICKED else ""


def _secrets(folder: Folder, keys: list[str]) -> list[Secret]:
    if refusal := _refusal(keys):
        raise Invalid(refusal)
    rows = list(folder.secrets.select_related("folder__environment__project").filter(key__in=keys))
    if missing := sorted(set(keys) - {row.key for row in rows}):
        raise Invalid(f"There is no secret {enumerate_names(missing)} in {folder} any more. Go back to it.")
    return rows


def _is_confirmed(request: HttpRequest, foreseen: Foreseen) -> bool:
    return "confirmed" in request.POST and is_agreed(request, foreseen)


def _referrers(folder: Folder, secrets: list[Secret]) -> list[Secret]:
    """The secrets that stay, and refer to one that goes."""
    doomed = {secret.id for secret in secrets}
    ties = load_ties([folder.environment.project_id]) if doomed else []
    found = {tie.edge.secret_id: tie.edge.secret for tie in ties if tie.secret_id in doomed}
    return [secret for id_, secret in found.items() if id_ not in doomed]


def _count(keys: list[str]) -> str:
    return f"{len(keys):,} secret{'' if len(keys) == 1 else 's'}"
