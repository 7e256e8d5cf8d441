"""Creates, changes and removes syncs for callers of the API: their rights, and what their bodies mean for `editing`."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from api.auth.callers import Caller
from api.http.errors import BadRequest, NotPermitted, Unprocessable
from api.resources.audit import note_changed
from api.resources.lookups import get_source
from api.resources.reach import connection_for, project_for, sync_for
from api.resources.syncs.schemas import AgreeToAddress, CreateSync, DecideStrangers, DestinationConfigIn, UpdateSync
from common.refusals import note_lacking
from connections.models import Connection
from syncs import editing
from syncs.access import place_at, place_of
from syncs.choices import LOOSEN, Approval, Decision, Operation, Trigger, loosens
from syncs.editing import Actor, Edited, addresses
from syncs.editing.loosening import forgets, takes_from_guarded
from syncs.editing.moves import Place as Destination
from syncs.editing.rights import check_may_use_at
from syncs.models import DevinSync, ManagedSecret, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.trusting import doubts
from syncs.runs.wishes import NO_WISHES, Wishes
from vault.access import Place, can
from vault.models import Project

CREATE, CHANGE, REMOVE = "syncs.add_devinsync", "syncs.change_devinsync", "syncs.remove_secrets"
CONFIRM, USE = "syncs.confirm_deletions", "connections.use_connection"


def actor_of(caller: Caller) -> Actor:
    return Actor.by_token(caller.user, caller.name)


def create_sync(caller: Caller, body: CreateSync) -> Edited:
    project = project_for(caller, body.project_id)
    source = get_source(caller, project, body.environment, body.secret_path, CREATE, USE)
    connection = connection_for(caller, body.connection_id)
    place = place_at(project, body.environment, body.secret_path)
    sync = DevinSync(
        name=body.name,
        description=body.description or "",
        project=project,
        connection=connection,
        org_id=org_id_for(caller, body.destination_config, connection, project, place),
        is_enabled=body.is_enabled is not False,
        auto_sync_enabled=body.auto_sync(body.sync_options) is not False,
        **body.sync_options.columns(),
    )
    sync.source = source
    wishes = confirmed(caller, sync, body.confirm_deletions)
    return editing.create_sync(sync, by=actor_of(caller), wishes=wishes)


def update_sync(caller: Caller, sync_id: UUID, body: UpdateSync, *, removes_old: bool) -> Edited:
    """Replaces what is sent. Secrets at a destination that the sync leaves stay there, unless `removes_old`."""
    fields = fields_of(caller, body, sync_for(caller, sync_id, CHANGE))
    with transaction.atomic():
        sync = editing.locked(sync_id)
        check_rights(caller, sync, fields, removes_old=removes_old)
        wishes = confirmed(caller, sync, body.confirm_deletions)
        return editing.change_sync(sync_id, fields, by=actor_of(caller), removes_old=removes_old, wishes=wishes)


@dataclass(frozen=True)
class Foreseen:
    """A sync before and after a change that is not made, and the keys that would go from where it leaves."""

    before: DevinSync
    after: DevinSync
    removed: list[str]


def foresee_update(caller: Caller, sync_id: UUID, body: UpdateSync, *, removes_old: bool) -> Foreseen:
    """Refuses what the change itself would. Leaves nothing behind, and starts nothing."""
    before = sync_for(caller, sync_id, CHANGE, "syncs.plan_devinsync")
    fields = fields_of(caller, body, before)
    check_rights(caller, before, fields, removes_old=removes_old)
    confirmed(caller, before, body.confirm_deletions)
    after = editing.foresee_change(sync_id, fields, by=actor_of(caller), removes_old=removes_old)
    old = Destination.of(before)
    leaves = removes_old and not old.is_same_organization(Destination.of(after))
    rows = old.secrets_of(before).order_by("destination_key") if leaves else ManagedSecret.objects.none()
    return Foreseen(before, after, list(rows.values_list("destination_key", flat=True)))


def delete_sync(caller: Caller, sync_id: UUID, *, removes_secrets: bool) -> Edited:
    """Deletes the sync at once, or, with its secrets, once they are gone from Devin."""
    sync = sync_for(caller, sync_id, "syncs.delete_devinsync")
    if removes_secrets:
        caller.require_at(place_of(sync), REMOVE)
    elif sync.approval != Approval.NONE:
        caller.require_at(place_of(sync), LOOSEN)
    run = editing.delete_sync(sync_id, by=actor_of(caller), removes_secrets=removes_secrets)
    return Edited(sync, run)


def trigger_sync(caller: Caller, sync: DevinSync, wishes: Wishes, *, detail: str = "Started a run") -> SyncRun:
    with transaction.atomic():
        run = request_run(sync, trigger=Trigger.API, user=caller.user, wishes=wishes)
        note_changed(caller, sync, detail=detail)
    return run


def agree_to_address(caller: Caller, sync: DevinSync, body: AgreeToAddress) -> SyncRun:
    """Lets the sync write to the address; of the secrets there, only those that the body names may be deleted."""
    check_reader(caller, place_of(sync))
    deletions = confirmed(caller, sync, body.confirm_deletions).confirmed_deletions
    connection = sync.connection
    # Whoever has not seen this version of the connection has seen the way there that was agreed to before.
    way = connection.way if body.connection_version == connection.version else sync.agreed_way
    where = f"{body.base_url}{way}"
    with transaction.atomic():
        note_changed(caller, sync, detail=f"Let it write to {where}, before {sync.agreed_where},")
        return addresses.agree_to_address(sync, where, deletions=deletions, user=caller.user, trigger=Trigger.API)


def remove_secrets(caller: Caller, sync: DevinSync) -> SyncRun:
    with transaction.atomic():
        run = request_run(sync, trigger=Trigger.API, operation=Operation.REMOVE, user=caller.user)
        note_changed(caller, sync, detail="Asked to remove its secrets")
    return run


def confirmed(caller: Caller, sync: DevinSync, confirmation: bool | list[str] | None) -> Wishes:
    """An empty list is a word too: that nothing may be deleted."""
    if confirmation is None or confirmation is False:
        return NO_WISHES
    caller.require_at(place_of(sync), CONFIRM)
    if confirmation is True:
        return Wishes(confirms_any_deletion=True)
    return Wishes(confirmed_deletions=confirmation)


def taking_over(caller: Caller, sync: DevinSync, wishes: Wishes, keys: bool | list[str] | None) -> Wishes:
    if not keys:
        return wishes
    caller.require_at(place_of(sync), "syncs.take_over")
    if takes_from_guarded(sync, keys):
        # What their owner may, the run looks at; here, that the scopes leave it.
        caller.require_at(place_of(sync), LOOSEN)
    return replace(wishes, takes_over=keys)


def trusting(caller: Caller, wishes: Wishes, sync: DevinSync, *, is_asked: bool) -> Wishes:
    if not is_asked:
        return wishes
    caller.require_at(place_of(sync), CONFIRM)
    if not doubts([sync.pk]):
        raise BadRequest("This sync is not blocked because the database is older than Devin.")
    return replace(wishes, accepts_rollback=True)


def decide_on_strangers(caller: Caller, sync_id: UUID, body: DecideStrangers) -> Edited:
    sync = sync_for(caller, sync_id, CONFIRM, "syncs.run_devinsync")
    decision = Decision(body.decision)
    _, run = editing.decide_on_strangers(sync_id, body.secret_ids, decision, by=actor_of(caller))
    return Edited(sync, run)


def fields_of(caller: Caller, body: UpdateSync, sync: DevinSync) -> dict[str, Any]:
    """What the body says, as fields of the sync; what it does not say is left out."""
    options = body.sync_options.columns() if body.sync_options is not None else {}
    connection = connection_for(caller, body.connection_id) if body.connection_id is not None else None
    destination = body.destination_config
    said: dict[str, Any] = {
        "name": body.name,
        "is_enabled": body.is_enabled,
        "auto_sync_enabled": body.auto_sync(body.sync_options),
        "connection": connection,
    }
    if destination is not None:
        through = connection or sync.connection
        said["org_id"] = org_id_for(caller, destination, through, sync.project, place_of(sync))
    if body.environment is not None or body.secret_path is not None:
        environment, path = body.environment or sync.environment_slug, body.secret_path or sync.path
        said["source"] = get_source(caller, sync.project, environment, path, CHANGE)
    fields = options | {name: value for name, value in said.items() if value is not None}
    if "description" in body.model_fields_set:
        fields["description"] = body.description or ""
    return fields


def org_id_for(
    caller: Caller, named: DestinationConfigIn, connection: Connection, project: Project, place: Place
) -> str:
    """Whoever may not use the connection there is not told which organizations it reaches, right guess or wrong."""
    try:
        return named.id_by(connection)
    except Unprocessable:
        require_use(caller, connection, project, place)
        raise


def require_use(caller: Caller, connection: Connection, project: Project, place: Place) -> None:
    """Raises NotPermitted or Lacking, for the sake of the scopes or of their owner."""
    caller.require_at(place, USE)
    check_may_use_at(connection, project, place, by=actor_of(caller))


def check_rights(caller: Caller, sync: DevinSync, fields: dict[str, Any], *, removes_old: bool) -> None:
    """What it takes, beyond the right to change syncs, to say where one reads and writes."""
    before, after = Destination.of(sync), Destination.with_fields(sync, fields)
    if before != after:
        caller.require_at(place_of(sync), USE)
    if before != after or "source" in fields or fields.get("recursive", sync.recursive):
        check_reader(caller, place_of(sync))
    if removes_old and not before.is_same_organization(after):
        caller.require_at(place_of(sync), REMOVE)
    if loosens(sync.approval, fields.get("approval", sync.approval)) or (not removes_old and forgets(sync, after)):
        caller.require_at(place_of(sync), LOOSEN)


def check_reader(caller: Caller, place: Place) -> None:
    """A sync carries values away: whoever says from where or to where must be allowed to read them.

    The owner's own right counts, so that a token may be kept from reading values and still make syncs. All that the
    sync covers is looked at where it is written.
    """
    if not can(caller.user, "vault.reveal_secret", place):
        note_lacking(["vault.reveal_secret"], place)
        raise NotPermitted("Choosing the source or the destination of a sync needs the permission vault.reveal_secret.")
