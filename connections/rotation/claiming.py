"""One at a time carries a rotation on: whoever has its claim, renewed before each request and each write of the row."""

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import Q

from common import clock
from connections.rotation.models import KeyRotation

# Longer than any request of a rotation may take.
CLAIMED_FOR = timedelta(minutes=2)


class ClaimLost(Exception):
    """Somebody else carries it on, or its connection is gone; nothing more may be done here."""


class Claim:
    """On a row, which it holds as it is now."""

    def __init__(self, rotation: KeyRotation, token: str) -> None:
        self.rotation = rotation
        self._token = token

    @classmethod
    def take(cls, rotation_id: uuid.UUID) -> "Claim | None":
        """None if it is over, is not due, or somebody is at it."""
        token, now = uuid.uuid4().hex, clock.now()
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
        due = KeyRotation.objects.filter(free, pk=rotation_id, ended_at=None, due_at__lte=now)
        if not due.update(claim=token, claimed_until=now + CLAIMED_FOR):
            return None
        found = KeyRotation.objects.select_related("connection").filter(pk=rotation_id, claim=token).first()
        return None if found is None else cls(found, token)

    def renew(self) -> None:
        """Raises ClaimLost. Right before each request that changes something."""
        self._write({})

    def save(self, **fields: Any) -> None:
        """These columns, in the row and here. Raises ClaimLost."""
        for name, value in fields.items():
            setattr(self.rotation, name, value)
        self._write(fields)

    def release(self) -> None:
        KeyRotation.objects.filter(pk=self.rotation.pk, claim=self._token).update(claim="", claimed_until=None)

    def _write(self, fields: dict[str, Any]) -> None:
        now = clock.now()
        own = KeyRotation.objects.filter(pk=self.rotation.pk, claim=self._token, claimed_until__gt=now, ended_at=None)
        if not own.update(**fields, claimed_until=now + CLAIMED_FOR):
            raise ClaimLost
