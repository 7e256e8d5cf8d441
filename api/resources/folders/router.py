"""`/api/v1/folders` and `/api/v2/folders`: the same, with workspaceId or projectId."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.http import HttpRequest
from ninja import Body, Query

from api.auth.callers import Bearer, Caller, caller_of
from api.http.errors import BadRequest, NotFoundError
from api.http.foreseeing import foreseeable
from api.http.idempotency import idempotent
from api.http.queries import InFolder, ListLimit, Offset, Recursive, page_of
from api.resources import resource
from api.resources.actors import actor_of
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.base import with_errors
from api.resources.folders.schemas import (
    CreateFolder,
    DeleteFolder,
    FolderDetail,
    FolderEnvironment,
    FolderPlace,
    ListedFolder,
    ManyFolders,
    OneFolder,
    OneFolderDetail,
    PlacedFolder,
    UpdateFolder,
)
from api.resources.lookups import as_uuid, choose_project, folders_for, folders_in, get_folder, get_target
from vault import editing
from vault.access import place_of
from vault.editing.folders import with_subfolders
from vault.models import ROOT, Folder, Secret
from vault.rules import clean_path

router = resource("Folders")

ADD = "vault.add_folder"


def last_modified(folders: list[Folder]) -> dict[UUID, datetime]:
    """When the newest change to a secret of each folder was made."""
    rows = Secret.objects.filter(folder__in=folders).values("folder_id").annotate(at=Max("updated_at")).order_by()
    return {row["folder_id"]: row["at"] for row in rows}


def placed(folder: Folder) -> OneFolder:
    at = last_modified([folder]).get(folder.id)
    return OneFolder(folder=PlacedFolder.of(folder, last_modified=at, path=folder.path))


def get_known(caller: Caller, folder_id: UUID) -> Folder:
    folder = folders_for(caller).filter(pk=folder_id).first()
    if folder is None:
        raise NotFoundError(f"There is no folder with the ID {folder_id}.")
    return folder


@router.get("", auth=Bearer("vault.view_folder", by_place=True), response=with_errors(ManyFolders))
def list_folders(
    request: HttpRequest,
    query: InFolder,
    recursive: Recursive,
    *,
    modified_since: Annotated[datetime | None, Query(None, alias="lastSecretModified")],
    limit: ListLimit = None,
    offset: Offset = 0,
) -> ManyFolders:
    """The folders in a folder, or all below it, by path: all of them, or a page.

    `lastSecretModified` leaves out those without a later change.
    """
    parent = query.get_folder(caller_of(request))
    rows = with_subfolders(parent).exclude(pk=parent.pk) if recursive else parent.subfolders.all()
    if modified_since is not None:
        since = Secret.objects.filter(folder=OuterRef("pk"), updated_at__gte=in_utc(modified_since))
        rows = rows.filter(Exists(since))
    folders = list(page_of(rows.order_by("path"), limit, offset))
    at = last_modified(folders)
    return ManyFolders(folders=[_listed(folder, parent, at.get(folder.id), recursive=recursive) for folder in folders])


def in_utc(moment: datetime) -> datetime:
    """The first or the last time there is, for one whose zone puts it beyond."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return (datetime.min if moment.year == 1 else datetime.max).replace(tzinfo=UTC)


def _listed(folder: Folder, parent: Folder, at: datetime | None, *, recursive: bool) -> ListedFolder:
    extra = {"relative_path": folder.path.removeprefix(parent.prefix)} if recursive else {}
    return ListedFolder.of(folder, last_modified=at, **extra)


@router.post("", auth=Bearer(ADD, by_place=True), response=with_errors(OneFolder, 409))
@foreseeable
@idempotent
def create_folder(request: HttpRequest, body: CreateFolder) -> OneFolder:
    """Creates a folder, and those above it that are missing."""
    caller = caller_of(request)
    path = f"{body.parent_path.rstrip('/')}/{body.name}"
    environment = get_target(caller, body.get_project, body.environment, path, ADD, shown=body.parent_path)
    with transaction.atomic():
        folder = editing.create_folder(environment, path, description=body.description or "", by=actor_of(caller))
        note_added(caller, folder)
    return placed(folder)


@router.get("/{folder_id}", auth=Bearer("vault.view_folder", by_place=True), response=with_errors(OneFolderDetail))
def get_folder_by_id(request: HttpRequest, folder_id: UUID) -> OneFolderDetail:
    """A folder with its path, project and environment."""
    return detailed(get_known(caller_of(request), folder_id))


@router.get(
    "/{project_id}/{environment}",
    auth=Bearer("vault.view_folder", by_place=True),
    response=with_errors(OneFolderDetail),
)
def get_root_folder(request: HttpRequest, project_id: str, environment: str) -> OneFolderDetail:
    """The root folder of an environment."""
    return detailed(get_folder(caller_of(request), lambda: choose_project(project_id, None), environment, ROOT))


@router.get(
    "/{project_id}/{environment}/{path:folder_path}",
    auth=Bearer("vault.view_folder", by_place=True),
    response=with_errors(OneFolderDetail),
)
def get_folder_by_path(request: HttpRequest, project_id: str, environment: str, folder_path: str) -> OneFolderDetail:
    """A folder by its path, whose slashes may be written as they are or as `%2F`."""
    return detailed(get_folder(caller_of(request), lambda: choose_project(project_id, None), environment, folder_path))


def detailed(folder: Folder) -> OneFolderDetail:
    environment = folder.environment
    detail = FolderDetail.of(
        folder,
        last_modified=last_modified([folder]).get(folder.id),
        path=folder.path,
        project_id=environment.project_id,
        environment=FolderEnvironment(env_id=environment.id, env_name=environment.name, env_slug=environment.slug),
    )
    return OneFolderDetail(folder=detail)


@router.patch("/{folder_id}", auth=Bearer("vault.change_folder", by_place=True), response=with_errors(OneFolder))
@foreseeable
def update_folder(request: HttpRequest, folder_id: str, body: UpdateFolder) -> OneFolder:
    """Renames a folder, by ID or by its name at `path`, and changes its description if one is sent."""
    caller = caller_of(request)
    folder = _find(caller, body, folder_id, "vault.change_folder")
    with transaction.atomic():
        editing.update_folder(folder, name=body.name, description=body.description, by=actor_of(caller))
        note_changed(caller, folder)
    return placed(folder)


@router.delete("/{folder_id}", auth=Bearer("vault.delete_folder", by_place=True), response=with_errors(OneFolder))
@foreseeable
def delete_folder(request: HttpRequest, folder_id: str, body: Annotated[DeleteFolder, Body()]) -> OneFolder:
    """Deletes a folder, by ID or by its name at `path`, with all that is in it, unless others import it."""
    caller = caller_of(request)
    folder = _find(caller, body, folder_id, "vault.delete_folder")
    if folder.is_root:
        raise BadRequest("The root folder goes only with its environment.")
    answer = placed(folder)
    with transaction.atomic():
        note_deleted(caller, folder)
        editing.delete_folder(folder, by=actor_of(caller))
    return answer


def _find(caller: Caller, place: FolderPlace, id_or_name: str, permission: str) -> Folder:
    """By ID wherever it is in the environment; by name in the folder that is named beside."""
    folders = folders_in(caller, place.get_project, place.environment)
    known_id = as_uuid(id_or_name)
    by_id = folders.filter(pk=known_id).first() if known_id else None
    folder = by_id or folders.filter(parent__path=clean_path(place.parent_path), name=id_or_name).first()
    if folder is None:
        raise NotFoundError(f"There is no folder {id_or_name[:64]} in {place.environment}:{place.parent_path}.")
    caller.require_at(place_of(folder), permission)
    return folder
