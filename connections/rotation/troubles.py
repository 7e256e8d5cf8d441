"""Which rotations did not do, or go on for too long: what people are told of, here and by the floors above."""

from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from common import clock
from connections.rotation.models import KeyRotation, Outcome

# Longer than Devin is away as a rule, and than the runs are that a rotation waits for.
STILL_AFTER = timedelta(minutes=30)
# One that a person asked for and that failed longer ago is no news; one by schedule fails until it does.
NEWS = timedelta(days=7)


def standing_still(now: datetime | None = None) -> Q:
    """It has begun, or should have, and comes to no end."""
    return Q(ended_at__isnull=True, created_at__lte=(now or clock.now()) - STILL_AFTER)


def stands_still(rotation: KeyRotation) -> bool:
    return not rotation.is_over and rotation.created_at <= clock.now() - STILL_AFTER


def failed(now: datetime | None = None) -> Q:
    """The last of its connection that ended, also while the next attempt is under way. Not where somebody gave the
    connection another key since."""
    counts = Q(connection__rotate_every_days__isnull=False) | Q(ended_at__gt=(now or clock.now()) - NEWS)
    return counts & ~_had_another_key() & Q(outcome=Outcome.FAILED, pk=_last_that_ended())


def leaving_the_old_key() -> Q:
    """The last of its connection that ended did, but for the old key, which a person is to revoke in Devin. Not one by
    hand: whoever made that new key was told."""
    return Q(outcome=Outcome.OLD_KEPT, is_by_hand=False, pk=_last_that_ended()) & ~_had_another_key()


def troubled(now: datetime | None = None) -> QuerySet[KeyRotation]:
    """Those that failed or stand still, with their connections."""
    found = KeyRotation.objects.filter(failed(now) | standing_still(now))
    return found.select_related("connection").order_by("created_at")


def _last_that_ended() -> Subquery:
    """Of its connection."""
    ended = KeyRotation.objects.filter(connection=OuterRef("connection"), ended_at__isnull=False)
    return Subquery(ended.order_by("-ended_at", "-created_at").values("pk")[:1])


def _had_another_key() -> Q:
    """Its connection, after it."""
    return Q(connection__credentials_set_at__isnull=False, connection__credentials_set_at__gt=F("ended_at"))
