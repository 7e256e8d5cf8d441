"""Notes who read values, in the admin's log: one line a minute for a token that reads the same place again and again.

A script that asks every second would else fill the log, and make every read a write. The lines have a time of their own
to be kept. What a person reveals on a page is noted each time, and stays.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from api.auth.callers import Caller
from api.models import ReadNote
from api.resources.audit import note_changed
from common.cleaning import delete_some, register_cleaner
from common.prefixes import starts_with

READ = "Read the value"
FOLDED = timedelta(minutes=1)


def note_read(caller: Caller, row: Model, detail: str) -> None:
    """`detail` starts with READ and tells no value: what is told apart by it is noted apart."""
    now = timezone.now()
    key = {"credential": caller.credential.prefix, "place": str(row.pk), "detail": detail}
    if ReadNote.objects.filter(**key, noted_at__gt=now - FOLDED).exists():
        return
    with transaction.atomic():
        if _take_turn(key, now):
            note_changed(caller, row, detail=detail)


def _take_turn(key: dict[str, str], now: datetime) -> bool:
    """Whether it is this request that notes the minute, of all that read at once."""
    if ReadNote.objects.filter(**key, noted_at__lte=now - FOLDED).update(noted_at=now):
        return True
    _, is_new = ReadNote.objects.get_or_create(**key, defaults={"noted_at": now})
    return is_new


def register_cleaners() -> None:
    register_cleaner("notes of reading", clean_notes)
    register_cleaner("the log of reading", clean_log)


def clean_notes() -> bool:
    return delete_some(ReadNote.objects.filter(noted_at__lt=timezone.now() - FOLDED).order_by("noted_at"))


def clean_log() -> bool:
    if not settings.READ_LOG_KEPT:
        return False
    end = timezone.now() - settings.READ_LOG_KEPT
    rows = LogEntry.objects.filter(starts_with("change_message", READ), action_flag=CHANGE, action_time__lt=end)
    return delete_some(rows.order_by("pk"))
