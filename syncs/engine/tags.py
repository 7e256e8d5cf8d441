"""What the notes in Devin say of this sync: which secrets it wrote, and whether this database is older than they."""

from collections.abc import Sequence

from connections.devin.types import RemoteSecret
from syncs.choices import BlockedReason
from syncs.engine.notes import Tag
from syncs.errors import Blocked
from syncs.models import DevinSync, SyncControl


class OwnTag:
    """Whether a secret's note says that this sync, of this installation, wrote it."""

    def __init__(self, sync: DevinSync) -> None:
        self.instance, self.sync = SyncControl.known_instance_id(), sync.short_id

    def read(self, secret: RemoteSecret) -> Tag | None:
        tag = Tag.read(secret.note)
        return tag if tag and (tag.instance, tag.sync) == (self.instance, self.sync) else None

    def __call__(self, secret: RemoteSecret) -> bool:
        return secret.access_type == "org" and self.read(secret) is not None


def newest_generation(sync: DevinSync, existing: Sequence[RemoteSecret]) -> int:
    """The highest generation that this sync's notes at the destination show; 0 if there are none."""
    own = OwnTag(sync)
    return max((tag.generation for secret in existing if own(secret) and (tag := own.read(secret))), default=0)


def check_rollback(sync: DevinSync, existing: Sequence[RemoteSecret]) -> None:
    """Raises Blocked if Devin holds notes from a later run than this database knows of: it was restored."""
    seen = newest_generation(sync, existing)
    if seen > sync.generation:
        raise Blocked(
            f"This database is older than what Devin holds: it knows of {sync.generation} writing runs of this sync, "
            f"the notes in Devin tell of {seen}. It was probably restored from a backup, so its secrets may be out of "
            "date. Bring the source up to date, then choose “Sync now, trust this database”.",
            reason=BlockedReason.ROLLBACK,
        )
