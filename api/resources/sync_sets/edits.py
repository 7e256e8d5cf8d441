"""Creates, changes and deletes sync sets for callers of the API, and what a person says of single organizations.

Their owner's rights are asked for by `fleets`; here, that the token's scopes leave them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from pydantic.alias_generators import to_camel

from api.auth.callers import Caller
from api.http.errors import Unprocessable, issue
from api.resources.lookups import get_source
from api.resources.reach import connection_for, member_for, project_for, set_for
from api.resources.sync_sets.schemas import CreateSet, OverrideOrganization, SetDestinationIn, SetIn, UpdateSet
from api.resources.syncs.edits import CHANGE, CREATE, REMOVE, USE, actor_of, require_use
from connections.models import Connection
from fleets import editing
from fleets.choices import Selection, WhenLeft
from fleets.generating import locked
from fleets.models import Member, SyncSet
from fleets.rights import FROM_WHERE, TO_WHOM
from fleets.selecting import is_id
from fleets.slugs import ORGANIZATION
from syncs.access import place_at, place_of
from syncs.choices import LOOSEN, loosens
from syncs.options import OPTIONS
from syncs.organizations import require_id

DELETE = "syncs.delete_devinsync"
PLAIN = ("is_enabled", "missing_folder", "wave_size", "max_failures")
IN_DESTINATION = frozenset({"selection", "chosen", "exceptions", "new_organizations", "when_left"})


def split_path(path: str) -> tuple[str, str]:
    """The folder above those of the organizations, and what is below it: "" where all of them read the folder."""
    names = [name for name in path.split("/") if name]
    first = next((number for number, name in enumerate(names) if ORGANIZATION in name), None)
    return (path, "") if first is None else (f"/{'/'.join(names[:first])}", "/".join(names[first:]))


def create_set(caller: Caller, body: CreateSet) -> SyncSet:
    project = project_for(caller, body.project_id)
    path, below = split_path(body.secret_path)
    source = get_source(caller, project, body.environment, path, CREATE, USE)
    connection = connection_for(caller, body.connection_id)
    # Names of organizations are looked up below.
    require_use(caller, connection, project, place_at(project, body.environment, path))
    said = _plain(body) | body.sync_options.columns() | _selection(body.destination_config, connection)
    each = SyncSet(project=project, name=body.name, connection=connection, below=below, **said)
    each.auto_sync_enabled = body.sync_options.auto_sync_enabled is not False
    each.canaries = "\n".join(_ids(connection, body.canaries or [], "canaries"))
    each.source = source
    if each.when_left == WhenLeft.REMOVE:
        caller.require_at(place_of(each), REMOVE)
    with _told_at_fields():
        return editing.create_set(each, by=actor_of(caller))


def update_set(caller: Caller, set_id: UUID, body: UpdateSet) -> SyncSet:
    """Replaces what is sent."""
    fields = _fields_of(caller, body, set_for(caller, set_id, CHANGE))
    with transaction.atomic(), _told_at_fields():
        before = locked(set_id)
        if before is not None:
            check_scopes(caller, before, fields)
        return editing.change_set(set_id, fields, by=actor_of(caller))


def delete_set(caller: Caller, set_id: UUID, *, removes_secrets: bool) -> None:
    each = set_for(caller, set_id, DELETE)
    if removes_secrets:
        caller.require_at(place_of(each), REMOVE)
    editing.delete_set(set_id, by=actor_of(caller), removes_secrets=removes_secrets)


def approve(caller: Caller, set_id: UUID, org_ids: Sequence[str]) -> list[UUID]:
    """The ids of the members that were named, who wait no more."""
    each = set_for(caller, set_id, CHANGE, USE)
    found = dict(each.members.filter(org_id__in=org_ids).values_list("org_id", "pk"))
    missing = [number for number, org_id in enumerate(org_ids) if org_id not in found]
    if missing:
        told = f"There is no such organization in the set {each.name}."
        raise Unprocessable(*(issue(["orgIds", number], told) for number in missing))
    editing.approve_organizations(set_id, list(found.values()), by=actor_of(caller))
    return list(found.values())


def override(caller: Caller, set_id: UUID, org_id: str, body: OverrideOrganization) -> Member:
    member = member_for(caller, set_id, org_id, CHANGE)
    said = {name: getattr(body, name) for name in body.model_fields_set}
    if "is_paused" in said:
        said["is_enabled"] = False if said.pop("is_paused") else None
    return editing.override(member.pk, said, by=actor_of(caller))


def remove_secrets_of(caller: Caller, set_id: UUID, org_id: str) -> None:
    member = member_for(caller, set_id, org_id, REMOVE)
    editing.remove_secrets_of(member.pk, by=actor_of(caller))


def _fields_of(caller: Caller, body: UpdateSet, each: SyncSet) -> dict[str, Any]:
    """What the body says, as fields of the set; what it does not say is left out."""
    fields = _plain(body)
    if body.name is not None:
        fields["name"] = body.name
    if body.connection_id is not None:
        fields["connection"] = connection_for(caller, body.connection_id)
    if body.sync_options is not None:
        fields |= body.sync_options.columns()
        if body.sync_options.auto_sync_enabled is not None:
            fields["auto_sync_enabled"] = body.sync_options.auto_sync_enabled
    return (
        fields
        | _organizations(caller, body, each, fields.get("connection", each.connection))
        | _source(caller, body, each)
    )


def _organizations(caller: Caller, body: UpdateSet, each: SyncSet, connection: Connection) -> dict[str, str]:
    """Whoever may not use the connection is not told which organizations it reaches, right guess or wrong."""
    fields: dict[str, str] = {}
    try:
        if body.destination_config is not None:
            fields |= _selection(body.destination_config, connection)
        if body.canaries is not None:
            fields["canaries"] = "\n".join(_ids(connection, body.canaries, "canaries"))
    except Unprocessable:
        require_use(caller, connection, each.project, place_of(each))
        raise
    return fields


def _source(caller: Caller, body: UpdateSet, each: SyncSet) -> dict[str, Any]:
    if body.environment is None and body.secret_path is None:
        return {}
    environment = body.environment or each.environment_slug
    path, below = split_path(body.secret_path) if body.secret_path is not None else (each.path, each.below)
    return {"source": get_source(caller, each.project, environment, path, CHANGE), "below": below}


def _plain(body: SetIn) -> dict[str, Any]:
    said = {name: value for name in PLAIN if (value := getattr(body, name)) is not None}
    return said | ({"description": body.description or ""} if "description" in body.model_fields_set else {})


def _selection(body: SetDestinationIn, connection: Connection) -> dict[str, str]:
    is_listed = body.selection == Selection.LISTED.value
    chosen = _ids(connection, body.chosen, "destinationConfig", "chosen") if is_listed else body.chosen
    return {
        "selection": body.selection,
        "chosen": "\n".join(dict.fromkeys(chosen)),
        "exceptions": "\n".join(dict.fromkeys(body.exceptions)),
        "new_organizations": body.new_organizations,
        "when_left": body.when_left,
    }


def _ids(connection: Connection, lines: Sequence[str], *path: str) -> list[str]:
    """Each once. Raises Unprocessable at every entry that is no id and no name of one organization."""
    found, issues = [], []
    for number, line in enumerate(lines):
        try:
            found.append(line if is_id(line) else require_id(connection, line))
        except ValidationError as error:
            issues.append(issue([*path, number], error.messages[0]))
    if issues:
        raise Unprocessable(*issues)
    return list(dict.fromkeys(found))


def check_scopes(caller: Caller, before: SyncSet, fields: Mapping[str, Any]) -> None:
    changed = {name for name, value in fields.items() if getattr(before, name) != value}
    if changed & (FROM_WHERE | TO_WHOM | {"canaries"}):
        caller.require_at(place_of(before), USE)
    when_left = fields.get("when_left", before.when_left)
    if changed & (TO_WHOM | {"when_left"}) and when_left == WhenLeft.REMOVE:
        caller.require_at(place_of(before), REMOVE)
    if loosens(before.approval, fields.get("approval", before.approval)):
        caller.require_at(place_of(before), LOOSEN)


@contextmanager
def _told_at_fields() -> Iterator[None]:
    """What a model refuses is told where the body has it."""
    try:
        yield
    except ValidationError as error:
        if not hasattr(error, "error_dict"):
            raise
        told = error.message_dict.items()
        raise Unprocessable(*(issue(_path_of(name), text) for name, texts in told for text in texts)) from None


def _path_of(field: str) -> list[str]:
    if field in ("below", "folder", "environment"):
        return ["secretPath"]
    outer = "destinationConfig" if field in IN_DESTINATION else "syncOptions" if field in OPTIONS else ""
    return [part for part in (outer, to_camel(field)) if part]
