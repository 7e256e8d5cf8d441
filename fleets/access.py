"""Where sync sets belong: at their folder, where the rights of syncs are those of a set."""

from django.db.models import Q, QuerySet

from connections.models import Connection
from connections.users import Kind, register_users
from fleets.models import Member, Rollout, SyncSet
from syncs.access import VIEW, seen_by
from syncs.models import DevinSync
from vault.access import register_visible, visible


def register() -> None:
    """Tells `visible` of the rows of this package, and connections of what uses them."""
    register_visible(SyncSet, lambda user: seen_by(user, VIEW))
    register_visible(Rollout, lambda user: seen_by(user, VIEW, "set__"))
    register_visible(Member, lambda user: seen_by(user, VIEW, "set__"))
    register_users(Kind("sync set", "sync sets", _sets_by, visible))


def _sets_by(connection: Connection) -> QuerySet[SyncSet]:
    """Those with another connection by now too, where an organization that left goes on by the old one."""
    old = DevinSync.objects.filter(connection=connection).exclude(set_id=None).order_by().values("set_id")
    return SyncSet.objects.filter(Q(connection=connection) | Q(pk__in=old)).order_by("name")
