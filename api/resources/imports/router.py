"""`/api/v1/secret-imports` and `/api/v2/secret-imports`: the imports of a folder, in order; the last one wins."""

from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from ninja import Body

from api.auth.callers import Bearer, caller_of
from api.http.errors import NotFoundError
from api.http.foreseeing import foreseeable
from api.http.idempotency import idempotent
from api.http.queries import InFolder
from api.resources import resource
from api.resources.actors import actor_of
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.base import with_errors
from api.resources.imports.schemas import CreateImport, ImportOut, ImportPlace, ManyImports, OneImport, UpdateImport
from vault import editing
from vault.models import Folder, SecretImport
from vault.reading import find_folder

router = resource("Imports")

IMPORTS = SecretImport.objects.select_related("folder__environment", "source__environment")


def one(row: SecretImport, message: str) -> OneImport:
    return OneImport(message=message, secret_import=ImportOut.of(row))


def get_import(import_id: UUID, folder: Folder | None = None) -> SecretImport:
    row = IMPORTS.filter(pk=import_id).first()
    if row is None or (folder is not None and row.folder_id != folder.id):
        raise NotFoundError(f"There is no import with the ID {import_id}" + (f" in {folder}." if folder else "."))
    return row


@router.get("", auth=Bearer("vault.view_secretimport"), response=with_errors(ManyImports))
def list_imports(request: HttpRequest, query: InFolder) -> ManyImports:
    """The imports of a folder, in order."""
    rows = IMPORTS.filter(folder=query.get_folder(caller_of(request)))
    return ManyImports(
        message="Successfully fetched secret imports", secret_imports=[ImportOut.of(row) for row in rows]
    )


@router.get("/{import_id}", auth=Bearer("vault.view_secretimport"), response=with_errors(OneImport))
def get_import_by_id(request: HttpRequest, import_id: UUID) -> OneImport:
    """An import by its ID."""
    return one(get_import(import_id), "Successfully fetched secret import")


@router.post("", auth=Bearer("vault.add_secretimport"), response=with_errors(OneImport, 409))
@foreseeable
@idempotent
def create_import(request: HttpRequest, body: CreateImport) -> OneImport:
    """Lets a folder show the secrets of another one of its project. It comes last, where it wins."""
    caller, folder = caller_of(request), body.folder_at(body.path)
    source = find_folder(folder.environment.project, body.source.environment, body.source.path)
    with transaction.atomic():
        row = editing.add_import(folder, source, by=actor_of(caller))
        note_added(caller, row)
    return one(row, "Successfully created secret import")


@router.patch("/{import_id}", auth=Bearer("vault.change_secretimport"), response=with_errors(OneImport))
@foreseeable
def update_import(request: HttpRequest, import_id: UUID, body: UpdateImport) -> OneImport:
    """Moves an import in the list, or points it at another folder."""
    caller, folder, change = caller_of(request), body.folder_at(body.path), body.change
    row = get_import(import_id, folder)
    with transaction.atomic():
        if change.environment is not None or change.path is not None:
            environment = change.environment or row.source.environment.slug
            source = find_folder(folder.environment.project, environment, change.path or row.source.path)
            row = editing.point_import(row, source, by=actor_of(caller))
        if change.position is not None:
            row = editing.move_import(row, change.position, by=actor_of(caller))
        note_changed(caller, row)
    return one(row, "Successfully updated secret import")


@router.delete("/{import_id}", auth=Bearer("vault.delete_secretimport"), response=with_errors(OneImport))
@foreseeable
def delete_import(request: HttpRequest, import_id: UUID, body: Annotated[ImportPlace, Body()]) -> OneImport:
    """Removes an import. The folder that it showed stays as it is."""
    caller = caller_of(request)
    row = get_import(import_id, body.folder_at(body.path))
    answer = one(row, "Successfully deleted secret import")
    with transaction.atomic():
        note_deleted(caller, row)
        editing.delete_import(row, by=actor_of(caller))
    return answer
