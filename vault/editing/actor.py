"""Who changes the vault, and whether they may read the values in it: nobody moves what they may not read."""

from dataclasses import dataclass
from typing import Self

from django.contrib.auth.models import User

REVEAL = "vault.reveal_secret"


@dataclass(frozen=True)
class Actor:
    """One of the three ways in; no writer can be called without saying which."""

    # Who is noted down.
    user: User | None
    can_reveal: bool
    # As a refusal ends: "… takes the permission vault.reveal_secret, which you lack."
    lacking: str = "which you lack"

    @classmethod
    def by_person(cls, user: User) -> Self:
        return cls(user, user.has_perm(REVEAL))

    @classmethod
    def by_token(cls, user: User, *, can_reveal: bool) -> Self:
        """`can_reveal` is what the token's scopes leave of its owner's right."""
        return cls(user, can_reveal, "which this token or its owner lacks")

    @classmethod
    def on_command_line(cls, user: User | None = None) -> Self:
        """Whoever has the database and the encryption keys may read everything."""
        return cls(user, can_reveal=True)
