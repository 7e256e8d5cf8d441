"""Reading for answers that show what there is: a reference that leads nowhere stays as text, and is named.

A sync never reads this way: half of a value expanded would be a wrong value in Devin.
"""

from typing import Any
from uuid import UUID

from vault.errors import ReferenceMissing
from vault.references import Reference, find_references
from vault.resolution import Resolver, StoredSecret


class LenientResolver(Resolver):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._unresolved: dict[UUID, list[str]] = {}
        # References along a circle, by the secrets at both ends: each of them stays as text.
        self._cut: set[tuple[UUID, UUID]] = set()

    def unresolved(self, secret: StoredSecret) -> tuple[str, ...]:
        """The references that stand as text in a value that was asked for, its own and those that came with others."""
        return tuple(dict.fromkeys(self._unresolved.get(secret.id, ())))

    def _look_up(self, secret: StoredSecret, reference: Reference) -> StoredSecret | None:
        found = self.find(secret.folder_id, reference)
        if found is not None and (secret.id, found.id) not in self._cut:
            return found
        if found is not None or not reference.is_weak:
            self._note(secret, str(reference))
        return None

    def _meet_cycle(self, circle: list[StoredSecret]) -> None:
        self._cut |= {(one.id, other.id) for one, other in zip(circle, [*circle[1:], circle[0]], strict=True)}

    def _expand(self, secret: StoredSecret) -> str:
        try:
            value = super()._expand(secret)
        except ReferenceMissing:
            value = self.raw_value(secret)
            self._note(secret, *[str(reference) for reference in find_references(value)] or ["${…}"])
        if not secret.is_literal:
            for reference in find_references(self.raw_value(secret)):
                found = self.find(secret.folder_id, reference)
                if found is not None and (secret.id, found.id) not in self._cut:
                    self._note(secret, *self._unresolved.get(found.id, ()))
        return value

    def _note(self, secret: StoredSecret, *references: str) -> None:
        self._unresolved.setdefault(secret.id, []).extend(references)
