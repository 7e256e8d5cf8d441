"""What the sync of an organization is to be, by its set and by what a person has said of this organization alone."""

from typing import Any

from fleets.choices import State
from fleets.models import Member, SyncSet
from fleets.slugs import fill
from sources.protocol import Found
from syncs.models import DevinSync
from syncs.options import OPTIONS

NOT_RUNNING = (State.LEFT, State.WAITING)


def wanted_fields(each: SyncSet, member: Member, source: Found) -> dict[str, Any]:
    """The fields that `syncs.editing` takes."""
    options: dict[str, Any] = {name: getattr(each, name) for name in OPTIONS} | member.overrides
    is_enabled = each.is_enabled and not member.is_paused and member.state not in NOT_RUNNING
    return options | {
        "name": f"{each.name}-{member.slug}",
        "description": each.description,
        "is_enabled": is_enabled,
        "source": source,
        "connection": each.connection,
        "org_id": member.org_id,
        "key_schema": fill(each.key_schema, member.slug),
    }


def differs(sync: DevinSync, fields: dict[str, Any]) -> bool:
    return any(getattr(sync, name) != value for name, value in fields.items())
