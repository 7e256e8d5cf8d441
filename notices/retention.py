"""What was told is kept as long as runs are: `HISTORY_DAYS`. What is still open or waits is kept in any case."""

from django.conf import settings

from common import clock
from common.cleaning import delete_some, register_cleaner
from notices.choices import State
from notices.models import Delivery, Incident


def register() -> None:
    register_cleaner("old deliveries", clean_deliveries)
    register_cleaner("old incidents", clean_incidents)


def clean_deliveries() -> bool:
    old = Delivery.objects.exclude(state=State.WAITING).filter(created_at__lt=clock.now() - settings.HISTORY_KEPT)
    return delete_some(old.order_by("created_at"))


def clean_incidents() -> bool:
    old = Incident.objects.filter(closed_at__lt=clock.now() - settings.HISTORY_KEPT, notices=None)
    return delete_some(old.order_by("opened_at"))
