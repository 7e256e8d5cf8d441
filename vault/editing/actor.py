"""Who changes the vault, and what they may do where: nobody moves what they may not read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from django.contrib.auth.models import User

from common.refusals import note_lacking
from vault.access import Place, can
from vault.errors import NotAllowed

REVEAL = "vault.reveal_secret"
# With any of them somebody is one who writes at a place.
WRITES = tuple(
    f"vault.{verb}_{row}" for row in ("secret", "folder", "secretimport") for verb in ("change", "add", "delete")
)


def everything(permission: str) -> bool:
    return True


@dataclass(frozen=True)
class Actor:
    """One of the three ways in; no writer can be called without saying which."""

    # Who is noted down.
    user: User | None
    # Everywhere.
    can_reveal: bool
    # As a refusal ends: "… takes the permission vault.reveal_secret, which you lack."
    lacking: str = "which you lack"
    # What the scopes of a token leave of its owner's rights.
    allows: Callable[[str], bool] = everything
    is_trusted: bool = False

    @classmethod
    def by_person(cls, user: User) -> Self:
        return cls(user, user.has_perm(REVEAL))

    @classmethod
    def by_token(cls, user: User, *, allows: Callable[[str], bool]) -> Self:
        return cls(user, allows(REVEAL) and user.has_perm(REVEAL), "which this token or its owner lacks", allows)

    @classmethod
    def on_command_line(cls, user: User | None = None) -> Self:
        """Whoever has the database and the encryption keys may read and write everything."""
        return cls(user, can_reveal=True, is_trusted=True)

    def can(self, permission: str, place: Place) -> bool:
        if permission == REVEAL and self.can_reveal:
            return True
        if self.user is None or self.is_trusted:
            return permission != REVEAL
        return self.allows(permission) and can(self.user, permission, place)

    @property
    def writes_everywhere(self) -> bool:
        """Something in each place, as opposed to who has rights in some places alone."""
        return self.can_write(Place())

    def can_write(self, place: Place) -> bool:
        """Something, there."""
        return any(self.can(permission, place) for permission in WRITES)

    def sees(self, permission: str, place: Place) -> bool:
        """Whether a message may name what is there."""
        return self.writes_everywhere or self.can(permission, place)

    def demand(self, permission: str, place: Place) -> None:
        """Raises NotAllowed, which names the right and the place."""
        if not self.can(permission, place):
            note_lacking([permission], place)
            raise NotAllowed(f"This takes the permission {permission} in {place}, {self.lacking}.")

    def demand_writing(self, *places: Place) -> None:
        for place in places:
            if not self.can_write(place):
                note_lacking(["vault.change_secret"], place)
                raise NotAllowed(f"This would change what is in {place}, where you or your token may change nothing.")

    def may_use(self, there: Place, *, here: Place) -> bool:
        """Whether a value that is there may be shown here: by those who may read it there and, within an environment,
        by those who write at both places."""
        same = (there.project, there.environment) == (here.project, here.environment)
        return self.can(REVEAL, there) or (same and self.can_write(there))
