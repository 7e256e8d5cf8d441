"""`/api/v1/secret-imports` and `/api/v2/secret-imports`: the imports of a folder, in order; the last one wins."""

from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Body

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import NotFoundError
from api.http.foreseeing import foreseeable
from api.http.idempotency import idempotent
from api.http.queries import InFolder
from api.resources import resource
from api.resources.actors import actor_of
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.base import with_errors
from api.resources.imports.schemas import CreateImport, ImportOut, ImportPlace, ManyImports, OneImport, UpdateImport
from api.resources.lookups import get_folder, sees_by_place
from vault import editing
from vault.access import place_of, visible
from vault.models import Folder, SecretImport

router = resource("Imports")

VIEW, ADD = "vault.view_secretimport", "vault.add_secretimport"
CHANGE, DELETE = "vault.change_secretimport", "vault.delete_secretimport"
IMPORTS = SecretImport.objects.select_related("folder__environment", "source__environment")


def one(row: SecretImport, message: str) -> OneImport:
    return OneImport(message=message, secret_import=ImportOut.of(row))


def imports_for(caller: Caller) -> QuerySet[SecretImport]:
    """For a member those alone of which they see both ends."""
    return visible(caller.user, IMPORTS) if sees_by_place(caller) else IMPORTS.all()


def get_import(caller: Caller, import_id: UUID, folder: Folder | None = None) -> SecretImport:
    row = imports_for(caller).filter(pk=import_id).first()
    if row is None or (folder is not None and row.folder_id != folder.id):
        raise NotFoundError(f"There is no import with the ID {import_id}" + (f" in {folder}." if folder else "."))
    return row


def source_in(caller: Caller, folder: Folder, environment: str, path: str) -> Folder:
    """Of the folder's project: one that the caller sees. What of it may be shown is for the writer to say."""
    return get_folder(caller, lambda: folder.environment.project, environment, path)


@router.get("", auth=Bearer(VIEW, by_place=True), response=with_errors(ManyImports))
def list_imports(request: HttpRequest, query: InFolder) -> ManyImports:
    """The imports of a folder, in order."""
    caller = caller_of(request)
    folder = query.get_folder(caller)
    caller.require_at(place_of(folder), VIEW)
    rows = imports_for(caller).filter(folder=folder)
    return ManyImports(
        message="Successfully fetched secret imports", secret_imports=[ImportOut.of(row) for row in rows]
    )


@router.get("/{import_id}", auth=Bearer(VIEW, by_place=True), response=with_errors(OneImport))
def get_import_by_id(request: HttpRequest, import_id: UUID) -> OneImport:
    """An import by its ID."""
    caller = caller_of(request)
    row = get_import(caller, import_id)
    caller.require_at(place_of(row), VIEW)
    return one(row, "Successfully fetched secret import")


@router.post("", auth=Bearer(ADD, by_place=True), response=with_errors(OneImport, 409))
@foreseeable
@idempotent
def create_import(request: HttpRequest, body: CreateImport) -> OneImport:
    """Lets a folder show the secrets of another one of its project. It comes last, where it wins."""
    caller = caller_of(request)
    folder = body.folder_at(caller, body.path, ADD)
    source = source_in(caller, folder, body.source.environment, body.source.path)
    with transaction.atomic():
        row = editing.add_import(folder, source, by=actor_of(caller))
        note_added(caller, row)
    return one(row, "Successfully created secret import")


@router.patch("/{import_id}", auth=Bearer(CHANGE, by_place=True), response=with_errors(OneImport))
@foreseeable
def update_import(request: HttpRequest, import_id: UUID, body: UpdateImport) -> OneImport:
    """Moves an import in the list, or points it at another folder."""
    caller, change = caller_of(request), body.change
    folder = body.folder_at(caller, body.path, CHANGE)
    row = get_import(caller, import_id, folder)
    with transaction.atomic():
        if change.environment is not None or change.path is not None:
            environment = change.environment or row.source.environment.slug
            source = source_in(caller, folder, environment, change.path or row.source.path)
            row = editing.point_import(row, source, by=actor_of(caller))
        if change.position is not None:
            row = editing.move_import(row, change.position, by=actor_of(caller))
        note_changed(caller, row)
    return one(row, "Successfully updated secret import")


@router.delete("/{import_id}", auth=Bearer(DELETE, by_place=True), response=with_errors(OneImport))
@foreseeable
def delete_import(request: HttpRequest, import_id: UUID, body: Annotated[ImportPlace, Body()]) -> OneImport:
    """Removes an import. The folder that it showed stays as it is."""
    caller = caller_of(request)
    row = get_import(caller, import_id, body.folder_at(caller, body.path, DELETE))
    answer = one(row, "Successfully deleted secret import")
    with transaction.atomic():
        note_deleted(caller, row)
        editing.delete_import(row, by=actor_of(caller))
    return answer
