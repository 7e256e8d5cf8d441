"""Callers of the API as the vault's writers want them."""

from api.auth.callers import Caller
from vault.editing.actor import Actor


def actor_of(caller: Caller) -> Actor:
    return Actor.by_token(caller.user, allows=caller.allows)
