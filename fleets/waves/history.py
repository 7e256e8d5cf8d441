"""How long rollouts are kept: as long as runs, and the last one of a set for good."""

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from common.cleaning import delete_some, register_cleaner
from fleets.models import Rollout, RolloutStep


def register() -> None:
    register_cleaner("ended rollouts", clean_rollouts)


def clean_rollouts() -> bool:
    """One chunk of the steps of old ones, or, once they have none, of the rollouts themselves."""
    later = Rollout.objects.filter(set=OuterRef("set"), started_at__gt=OuterRef("started_at"))
    old = Rollout.objects.filter(Exists(later), ended_at__lt=timezone.now() - settings.HISTORY_KEPT)
    if delete_some(RolloutStep.objects.filter(rollout__in=old.order_by().values("pk")).order_by("pk")):
        return True
    return delete_some(old.order_by("ended_at"))
