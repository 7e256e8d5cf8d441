"""Carries what a person entered from one page to the next without a session, a table or clear text: sealed."""

import json
import time
from dataclasses import dataclass
from uuid import UUID

from encryption import DecryptionError, seal, unseal

LASTS_SECONDS = 3600


@dataclass(frozen=True)
class Keeper:
    """Seals for one person, one page and one row; what comes back opens for these alone, and for an hour."""

    user_id: int
    page: str
    row_id: UUID

    def keep(self, data: object) -> str:
        until = int(time.time()) + LASTS_SECONDS
        return seal(json.dumps({"until": until, "data": data}), context=self._context)

    def open(self, token: str) -> object | None:
        """What was kept, or None if it is too old, somebody else's, or for something else."""
        try:
            opened = json.loads(unseal(token, context=self._context))
        except (DecryptionError, ValueError):
            return None
        return opened["data"] if time.time() < opened["until"] else None

    @property
    def _context(self) -> str:
        return f"vault.kept:{self.user_id}:{self.page}:{self.row_id}"
