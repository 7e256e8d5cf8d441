"""Where sync sets belong: at their folder, where the rights of syncs are those of a set."""

from fleets.models import Member, Rollout, SyncSet
from syncs.access import VIEW, seen_by
from vault.access import register_visible


def register() -> None:
    """Tells `visible` of the rows of this package."""
    register_visible(SyncSet, lambda user: seen_by(user, VIEW))
    register_visible(Rollout, lambda user: seen_by(user, VIEW, "set__"))
    register_visible(Member, lambda user: seen_by(user, VIEW, "set__"))
