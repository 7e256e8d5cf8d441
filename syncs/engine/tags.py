"""What the notes in Devin say of this sync: which secrets it wrote, and whether this database is older than they.

Whoever may write secrets in the organization can read our notes and write others like them. So half of each nonce is a
signature of the tag and of the secret's key, and a tag without it counts for nothing.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence

from connections.devin.types import RemoteSecret
from encryption import is_signed, sign
from syncs.choices import BlockedReason
from syncs.engine.notes import Tag
from syncs.errors import Blocked
from syncs.models import DevinSync, SyncControl

HALF = 8


def new_tag(instance: str, sync: str, generation: int, *, destination_key: str) -> Tag:
    """With a nonce of 64 random bits and as many of their signature."""
    word = secrets.token_bytes(HALF)
    signature = sign(*_signed_parts(instance, sync, generation, destination_key, word))[:HALF]
    return Tag(instance, sync, generation, base64.urlsafe_b64encode(word + signature).decode().rstrip("="))


def is_genuine(tag: Tag, destination_key: str) -> bool:
    """Whether this installation wrote it, for a secret of this key."""
    try:
        nonce = base64.urlsafe_b64decode(f"{tag.nonce}==")
    except (ValueError, binascii.Error):
        return False
    word, signature = nonce[:HALF], nonce[HALF:]
    return len(signature) == HALF and is_signed(
        signature, *_signed_parts(tag.instance, tag.sync, tag.generation, destination_key, word)
    )


def _signed_parts(instance: str, sync: str, generation: int, destination_key: str, word: bytes) -> tuple[str, ...]:
    return "note", instance, sync, str(generation), destination_key, word.hex()


class OwnTag:
    """Whether a secret's note says that this sync, of this installation, wrote it."""

    def __init__(self, sync: DevinSync) -> None:
        self.instance, self.sync = SyncControl.known_instance_id(), sync.short_id

    def read(self, secret: RemoteSecret) -> Tag | None:
        tag = Tag.read(secret.note)
        if tag is None or (tag.instance, tag.sync) != (self.instance, self.sync):
            return None
        return tag if is_genuine(tag, secret.key or "") else None

    def __call__(self, secret: RemoteSecret) -> bool:
        return secret.access_type == "org" and self.read(secret) is not None

    def newest_generation(self, existing: Sequence[RemoteSecret]) -> int:
        """The highest generation that this sync's notes at the destination show; 0 if there are none."""
        tags = (self.read(secret) for secret in existing if secret.access_type == "org")
        return max((tag.generation for tag in tags if tag), default=0)


def check_rollback(sync: DevinSync, own: OwnTag, existing: Sequence[RemoteSecret]) -> None:
    """Raises Blocked if Devin holds notes from a later run than this database knows of: it was restored, or is a
    standby that lagged.

    A run counts up after it has read the source and before it writes, and a standby forgets the last commits alone: so
    a value that Devin has from a source that was forgotten is always seen here.
    """
    seen = own.newest_generation(existing)
    if seen > sync.generation:
        raise Blocked(
            f"This database is older than what Devin holds: it knows of {sync.generation} writing runs of this sync, "
            f"the notes in Devin tell of {seen}. It was probably restored from a backup, or failed over to a standby "
            "that lagged, so its secrets may be out of date. Bring the source up to date, then choose “Sync now, trust "
            "this database”.",
            reason=BlockedReason.ROLLBACK,
        )
