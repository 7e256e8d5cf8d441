"""What the audit log tells of sync sets, with all their options, and of the organizations in them."""

from audit import registry
from fleets.models import Member, Rollout, RolloutStep, SyncSet
from syncs.audited import SOURCE, SYNC_PLACE
from syncs.options import OPTIONS

SELECTION = ("selection", "chosen", "exceptions", "new_organizations", "missing_folder", "when_left")
WAVES = ("canaries", "wave_size", "max_failures")


def register() -> None:
    registry.register(
        SyncSet,
        *("name", "is_enabled", *SOURCE[1:], "below", "connection__name"),
        *(*SELECTION, *WAVES, *OPTIONS),
        hidden={"description": "description"},
        place=SYNC_PLACE,
        arguments=("set_id",),
    )
    registry.register(
        Rollout,
        *("state", "cause", "wave", "reason"),
        place={column: f"set__{lookup}" for column, lookup in SYNC_PLACE.items()},
        arguments=("rollout_id",),
    )
    # Told by their runs.
    registry.leave_out(RolloutStep)
    registry.register(
        Member,
        *("org_id", "state", "overrides"),
        place={column: f"set__{lookup}" for column, lookup in SYNC_PLACE.items()},
        arguments=("member_id",),
    )
