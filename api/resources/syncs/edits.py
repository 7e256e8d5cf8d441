"""Creates, changes and removes syncs for callers of the API: their rights, the rows, and the runs that follow.

Each is one transaction with the run that it asks for, so that a sync never waits for a run that was not recorded.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from api.auth.callers import Caller
from api.http.errors import BadRequest, NotFoundError, NotPermitted
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.lookups import SYNCS, get_connection, get_project, get_source
from api.resources.syncs.options import SyncOptionsIn
from api.resources.syncs.schemas import CreateSync, SyncIn, UpdateSync
from syncs.choices import Operation, Status, Trigger
from syncs.editing.moves import Place, leave, why_it_stays
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.wishes import NO_WISHES, Wishes
from vault.models import Folder
from vault.reading import list_keys


@dataclass(frozen=True)
class Edited:
    sync: DevinSync
    run: SyncRun | None


def create_sync(caller: Caller, body: CreateSync) -> Edited:
    caller.require("connections.use_connection")
    project = get_project(body.project_id)
    folder = get_source(project, body.environment, body.secret_path)
    sync = DevinSync(
        name=body.name,
        description=body.description or "",
        project=project,
        environment=folder.environment,
        folder=folder,
        connection=get_connection(body.connection_id),
        org_id=body.destination_config.org_id,
        is_enabled=body.is_enabled is not False,
        auto_sync_enabled=body.auto_sync(body.sync_options) is not False,
        created_by=caller.user,
    )
    _apply_options(sync, body.sync_options)
    check_source(caller, folder, recursive=sync.recursive)
    with transaction.atomic():
        _check_name_is_free(sync)
        sync.full_clean(validate_unique=False, validate_constraints=False)
        sync.save(force_insert=True)
        note_added(caller, sync)
        run = request_auto_run(caller, sync, body, trigger=Trigger.API)
    return Edited(sync, run)


def update_sync(caller: Caller, sync_id: UUID, body: UpdateSync, *, removes_old: bool) -> Edited:
    """Replaces what is sent. Secrets at a destination that the sync leaves stay there, unless `removes_old`."""
    given = body.model_fields_set
    with transaction.atomic():
        sync = _locked(sync_id)
        old = Place.of(sync)
        _apply(sync, body, given)
        if Place.of(sync) != old:
            caller.require("connections.use_connection")
            check_reader(caller)
        _apply_source(caller, sync, body)
        _check_name_is_free(sync)
        sync.version += 1
        sync.full_clean(validate_unique=False, validate_constraints=False)
        sync.save()
        note_changed(caller, sync, detail=f"Changed {', '.join(sorted(given - {'confirm_deletions'})) or 'nothing'}")
        if not old.is_same_organization(Place.of(sync)):
            _leave(caller, sync, old, removes_secrets=removes_old)
        run = request_auto_run(caller, sync, body, trigger=Trigger.EDIT)
    return Edited(sync, run)


def _leave(caller: Caller, sync: DevinSync, old: Place, *, removes_secrets: bool) -> None:
    if removes_secrets:
        caller.require("syncs.remove_secrets")
    if problem := why_it_stays(sync):
        raise BadRequest(problem)
    leave(
        sync,
        old,
        removes_secrets=removes_secrets,
        trigger=Trigger.API,
        user=caller.user,
    )


def delete_sync(caller: Caller, sync_id: UUID, *, removes_secrets: bool) -> Edited:
    """Deletes the sync at once, or, with its secrets, once they are gone from Devin."""
    with transaction.atomic():
        sync = _locked(sync_id)
        if removes_secrets:
            caller.require("syncs.remove_secrets")
            note_deleted(caller, sync, detail="Asked to delete it with its secrets")
            return Edited(sync, _request(caller, sync, Operation.REMOVE, wishes=Wishes(removes_sync=True)))
        if SyncRun.objects.filter(sync=sync, status=Status.RUNNING).exists():
            raise BadRequest(f"A run of {sync.name} is under way. Wait for its end, then delete the sync.")
        note_deleted(caller, sync)
        sync_id = sync.pk
        sync.delete()
        sync.pk = sync_id
        return Edited(sync, None)


def trigger_sync(caller: Caller, sync: DevinSync, confirmation: bool | list[str] | None) -> SyncRun:
    wishes = confirmed(caller, confirmation)
    with transaction.atomic():
        note_changed(caller, sync, detail="Started a run")
        return _request(caller, sync, Operation.SYNC, wishes=wishes)


def remove_secrets(caller: Caller, sync: DevinSync) -> SyncRun:
    with transaction.atomic():
        note_changed(caller, sync, detail="Asked to remove its secrets")
        return _request(caller, sync, Operation.REMOVE)


def request_auto_run(caller: Caller, sync: DevinSync, body: SyncIn, *, trigger: Trigger) -> SyncRun | None:
    """The run that follows a new or an edited auto-sync; None if it is off."""
    wishes = confirmed(caller, body.confirm_deletions)
    if not (sync.is_enabled and sync.auto_sync_enabled and sync.has_source):
        return None
    return _request(caller, sync, Operation.SYNC, trigger=trigger, wishes=wishes)


def confirmed(caller: Caller, confirmation: bool | list[str] | None) -> Wishes:
    """An empty list is a word too: that nothing may be deleted."""
    if confirmation is None or confirmation is False:
        return NO_WISHES
    caller.require("syncs.confirm_deletions")
    if confirmation is True:
        return Wishes(confirms_any_deletion=True)
    return Wishes(confirmed_deletions=confirmation)


def check_reader(caller: Caller) -> None:
    """A sync carries values away: whoever says from where or to where must be allowed to read them.

    The owner's own right counts, so that a token may be kept from reading values and still make syncs.
    """
    if not caller.user.has_perm("vault.reveal_secret"):
        raise NotPermitted("Choosing the source or the destination of a sync needs the permission vault.reveal_secret.")


def check_source(caller: Caller, folder: Folder, *, recursive: bool) -> None:
    check_reader(caller)
    if recursive:
        list_keys(folder, recursive=True)


def _request(
    caller: Caller,
    sync: DevinSync,
    operation: Operation,
    *,
    trigger: Trigger = Trigger.API,
    wishes: Wishes = NO_WISHES,
) -> SyncRun:
    return request_run(sync, trigger=trigger, operation=operation, user=caller.user, wishes=wishes)


def _locked(sync_id: UUID) -> DevinSync:
    sync = SYNCS.select_for_update(of=("self",)).filter(pk=sync_id).first()
    if sync is None:
        raise NotFoundError(f"There is no sync with the ID {sync_id}.")
    return sync


def _apply(sync: DevinSync, body: UpdateSync, given: set[str]) -> None:
    if body.name is not None:
        sync.name = body.name
    if "description" in given:
        sync.description = body.description or ""
    if body.is_enabled is not None:
        sync.is_enabled = body.is_enabled
    auto_sync = body.auto_sync(body.sync_options)
    if auto_sync is not None:
        sync.auto_sync_enabled = auto_sync
    if body.sync_options is not None:
        _apply_options(sync, body.sync_options)
    if body.connection_id is not None:
        sync.connection = get_connection(body.connection_id)
    if body.destination_config is not None:
        sync.org_id = body.destination_config.org_id


def _apply_options(sync: DevinSync, options: SyncOptionsIn) -> None:
    for name, value in options.columns().items():
        setattr(sync, name, value)


def _apply_source(caller: Caller, sync: DevinSync, body: UpdateSync) -> None:
    moved = body.environment is not None or body.secret_path is not None
    if moved:
        environment = body.environment or sync.source_environment
        sync.folder = get_source(sync.project, environment, body.secret_path or sync.source_path)
    if sync.folder is not None and (moved or sync.recursive):
        check_source(caller, sync.folder, recursive=sync.recursive)


def _check_name_is_free(sync: DevinSync) -> None:
    same = DevinSync.objects.filter(project_id=sync.project_id, name=sync.name).exclude(pk=sync.pk)
    if same.exists():
        raise BadRequest(f"The project {sync.project.slug} already has a sync named {sync.name}. Choose another name.")
