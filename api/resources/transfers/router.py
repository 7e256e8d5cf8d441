"""`/api/v1/transfers`: copies and moves secrets and folders, to any environment of any project here, and exports them.

Each needs what its page needs, and leaves the same lines in the log.
"""

from collections.abc import Sequence
from typing import Annotated

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query

from api.auth.callers import Bearer, Caller, caller_of
from api.http.foreseeing import foreseeable
from api.http.idempotency import idempotent
from api.resources import resource
from api.resources.actors import actor_of
from api.resources.audit import note_changed
from api.resources.base import with_errors
from api.resources.lookups import choose_project, get_target
from api.resources.places import InEnvironment
from api.resources.transfers.schemas import (
    CopySecrets,
    Destination,
    ExportOut,
    ExportQuery,
    MoveFolder,
    MoveSecrets,
    OneExport,
    OneTransfer,
    Transfer,
    TransferFolder,
)
from vault import editing
from vault.access import Place, place_of, sight
from vault.editing import Transferred
from vault.editing.telling import seen_references
from vault.exporting import take
from vault.models import Environment, Folder, Project
from vault.rules import clean_path

router = resource("Transfers")

NAMED = 10
READ = ("vault.view_secret", "vault.reveal_secret")
CHANGES = ("vault.add_secret", "vault.change_secret")
# What each end takes, of secrets and of a folder.
LEAVES, ARRIVES = ("vault.view_secret", "vault.delete_secret"), CHANGES
FOLDER_LEAVES = (*LEAVES, "vault.change_folder", "vault.delete_folder")
FOLDER_ARRIVES = (*CHANGES, "vault.add_folder", "vault.change_folder")
MAKES = ("vault.add_folder", "vault.add_secret", "vault.add_secretimport")
EXPORTS = ("vault.view_folder", *READ)


@router.post("/secrets/copy", auth=Bearer(*READ, *CHANGES, by_place=True), response=with_errors(OneTransfer, 409))
@foreseeable
@idempotent
def copy_secrets(request: HttpRequest, body: CopySecrets) -> OneTransfer:
    """Copies secrets, as they are stored, with all that is kept with them; a copy begins at version 1."""
    caller, keys = caller_of(request), once(body.secret_keys)
    folder = body.folder_at(caller, body.secret_path, *READ)
    environment, path = target_of(caller, body, body.destination, body.destination.secret_path, *CHANGES)
    with transaction.atomic():
        done = editing.copy_secrets(folder, keys, environment, path, replaces=body.overwrite, by=actor_of(caller))
        note(caller, "Copied", keys, folder, done)
    return OneTransfer(transfer=Transfer.of(done))


@router.post("/secrets/move", auth=Bearer(*LEAVES, *ARRIVES, by_place=True), response=with_errors(OneTransfer, 409))
@foreseeable
@idempotent
def move_secrets(request: HttpRequest, body: MoveSecrets) -> OneTransfer:
    """Moves secrets with their versions. Refused where there is one of that key already."""
    caller, keys = caller_of(request), once(body.secret_keys)
    folder = body.folder_at(caller, body.secret_path, *LEAVES)
    environment, path = target_of(caller, body, body.destination, body.destination.secret_path, *ARRIVES)
    with transaction.atomic():
        done = editing.move_secrets(
            folder, keys, environment, path, carries_references=body.update_references, by=actor_of(caller)
        )
        note(caller, "Moved", keys, folder, done, leaves=True)
    return OneTransfer(transfer=Transfer.of(done, cut=seen_references(done.retold, actor_of(caller))))


@router.post(
    "/folders/copy",
    auth=Bearer(*READ, *MAKES, by_place=True),
    response=with_errors(OneTransfer, 409),
)
@foreseeable
@idempotent
def copy_folder(request: HttpRequest, body: TransferFolder) -> OneTransfer:
    """Copies a folder with all that is in and below it."""
    caller = caller_of(request)
    folder = body.folder_at(caller, body.path, *READ)
    environment, path = target_of(caller, body, body.destination, body.destination.path, *MAKES)
    named = [f"the folder {folder.path}"]
    with transaction.atomic():
        done = editing.copy_folder(folder, environment, path, by=actor_of(caller))
        note(caller, "Copied", named, folder, done)
    return OneTransfer(transfer=Transfer.of(done))


@router.post(
    "/folders/move",
    auth=Bearer(*FOLDER_LEAVES, *FOLDER_ARRIVES, by_place=True),
    response=with_errors(OneTransfer, 409),
)
@foreseeable
@idempotent
def move_folder(request: HttpRequest, body: MoveFolder) -> OneTransfer:
    """Moves a folder with all that is in and below it; the syncs that read it go on reading it."""
    caller = caller_of(request)
    folder = body.folder_at(caller, body.path, *FOLDER_LEAVES)
    environment, path = target_of(caller, body, body.destination, body.destination.path, *FOLDER_ARRIVES)
    named, was = [f"the folder {folder.path}"], str(folder)
    with transaction.atomic():
        done = editing.move_folder(
            folder, environment, path, carries_references=body.update_references, by=actor_of(caller)
        )
        note(caller, "Moved", named, was, done)
    return OneTransfer(transfer=Transfer.of(done, cut=seen_references(done.retold, actor_of(caller))))


@router.get("/export", auth=Bearer(*EXPORTS, by_place=True), response=with_errors(OneExport))
def export_folder(request: HttpRequest, response: HttpResponse, query: Annotated[ExportQuery, Query()]) -> OneExport:
    """The values of a folder as the text of a file, for whoever may read them; noted each time."""
    caller = caller_of(request)
    folder = query.get_folder(caller)
    caller.require_at(place_of(folder), *EXPORTS)
    sees = sight(caller.user, "vault.reveal_secret", folder.environment.project_id)
    taken = take(folder, to=query.format, resolved=query.values == "resolved", sees=sees)
    note_changed(caller, folder, detail=taken.told)
    response["Cache-Control"] = "no-store"
    content = ExportOut(file_name=taken.file_name, format=query.format, count=taken.count, content=taken.text)
    return OneExport(export=content)


def once(keys: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(keys))


def target_of(
    caller: Caller, body: InEnvironment, destination: Destination, path: str, *permissions: str
) -> tuple[Environment, str]:
    """Where to, for whoever has these there and may make the folder if it is missing."""

    def find_project() -> Project:
        return choose_project(destination.project_id, None) if destination.project_id else body.get_project()

    environment = get_target(caller, find_project, destination.environment, path, *permissions)
    if not environment.folders.filter(path=clean_path(path)).exists():
        caller.require_at(Place(environment.project_id, environment.slug, clean_path(path)), "vault.add_folder")
    return environment, path


def note(
    caller: Caller, past: str, names: Sequence[str], source: Folder | str, done: Transferred, *, leaves: bool = False
) -> None:
    """One line in the history of each end that has changed, as a page leaves."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    detail = f"{past} {', '.join(names[:NAMED])}{more} from {source} to {done.target}"
    ends = [source, done.target] if leaves and isinstance(source, Folder) else [done.target]
    note_changed(caller, *ends, detail=detail)
