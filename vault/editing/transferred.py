"""What a copy or a move has done, told by names and versions, so that only what was shown is done."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from vault.errors import Outdated
from vault.models import Folder, Secret, SecretReference
from vault.references import Reference

CHANGED = "What this would do has changed since it was shown. Look at it again; nothing was changed."


@dataclass(frozen=True)
class Retold:
    """A reference that leads elsewhere or nowhere after a move; `new` would lead there again, if any can."""

    edge: SecretReference
    new: Reference | None


@dataclass(frozen=True)
class Transferred:
    """By keys, or for folders by paths; `kept` were there already and stay. `state` is what it was made from."""

    target: Folder
    created: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    retold: list[Retold] = field(default_factory=list)
    state: str = ""

    @property
    def digest(self) -> str:
        told = [f"{one.edge.secret_id}:{one.edge.reference}:{one.new}" for one in self.retold]
        parts = (str(self.target), self.created, self.replaced, self.unchanged, self.kept, sorted(told), self.state)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def check_was_shown(self, seen: str | None) -> None:
        """`seen` is the digest that was shown, or None where nobody was shown anything."""
        if seen is not None and seen != self.digest:
            raise Outdated(CHANGED)


def state_of(secrets: Iterable[Secret]) -> str:
    return ",".join(sorted(f"{secret.id.hex}:{secret.version}" for secret in secrets))
