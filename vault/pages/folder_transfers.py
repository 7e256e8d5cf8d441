"""Copying and moving a folder, with all that is in and below it."""

from copy import copy
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from vault import editing
from vault.editing.folders import with_subfolders
from vault.models import Folder
from vault.pages.access import actor_of, allowed, user_of
from vault.pages.deleting import describe_contents, name_some
from vault.pages.folders import get_folder
from vault.pages.transfers import Asked, ask
from vault.pointing import split_readers
from vault.transfer_forms import DestinationForm, MoveForm

PATH_HELP = "The path of the folder that it shall be in: / or /services. One that is not there yet is made."


@allowed("vault.view_secret", "vault.reveal_secret", "vault.add_folder", "vault.add_secret", "vault.add_secretimport")
def copy_folder(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder, by = get_folder(folder_id), actor_of(request)
    form = DestinationForm(
        request.POST or None, here=folder, user=user_of(request), path=_above(folder), path_help=PATH_HELP
    )
    return ask(
        request,
        _asked(folder, "Copy", "Copied"),
        form,
        lambda environment, path, seen: editing.copy_folder(copy(folder), environment, path, seen=seen, by=by),
    )


@allowed(
    "vault.view_secret",
    "vault.add_folder",
    "vault.change_folder",
    "vault.delete_folder",
    "vault.add_secret",
    "vault.change_secret",
    "vault.delete_secret",
)
def move_folder(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    """A move takes from one place what it adds to another; those who read the folder go on reading it."""
    folder, by = get_folder(folder_id), actor_of(request)
    readers, unseen = split_readers(with_subfolders(folder), by.user)
    form = MoveForm(request.POST or None, here=folder, user=user_of(request), path=_above(folder), path_help=PATH_HELP)
    return ask(
        request,
        _asked(folder, "Move", "Moved", readers=name_some(readers, unseen=unseen)),
        form,
        lambda environment, path, seen: editing.move_folder(
            copy(folder), environment, path, carries_references=form.cleaned_data["carries"], seen=seen, by=by
        ),
    )


def _above(folder: Folder) -> str:
    return folder.parent.path if folder.parent else folder.path


def _asked(folder: Folder, verb: str, past: str, *, readers: list[str] | None = None) -> Asked:
    contents = describe_contents(with_subfolders(folder))
    names = [f"the folder {folder.path}"]
    return Asked(folder, f"{verb} the folder {folder}", verb, past, names, contents=contents, readers=readers or [])
