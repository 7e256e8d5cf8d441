"""The plan that a person was shown, as a token of their page: what they confirm is that very plan and no other."""

from typing import Any

from django.core import signing

from syncs.models import DevinSync

# A plan that was looked at can be confirmed for this long.
PLAN_AGE = 3600
TAKE_OVER = "take over"


def seal_plan(ids: list[str], sync: DevinSync, user: Any, *, at: str = "") -> str:
    """The deletions of a plan that this person was shown, so that they can confirm those and no others.

    With `at`, a new address of the connection, it is their word on that address too.
    """
    return signing.dumps(ids, salt=f"syncs.plan:{sync.pk}:{user.pk}:{at}", compress=True)


def open_plan(token: str, sync: DevinSync, user: Any, *, at: str = "") -> list[str]:
    """Raises BadSignature if it is somebody else's, another sync's, for another address, or too old."""
    ids: list[str] = signing.loads(token, salt=f"syncs.plan:{sync.pk}:{user.pk}:{at}", max_age=PLAN_AGE)
    return ids
