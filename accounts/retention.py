"""How long sessions and the record of log-ins are kept."""

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.utils import timezone

from accounts.models import Session
from common.cleaning import delete_some, register_cleaner


def register() -> None:
    register_cleaner("expired sessions", clean_sessions)
    register_cleaner("the record of log-ins", clean_log_ins)
    register_cleaner("failed log-ins of people", clean_attempts)


def clean_sessions() -> bool:
    return delete_some(Session.objects.filter(expire_date__lt=timezone.now()).order_by("expire_date"))


def clean_log_ins() -> bool:
    end = timezone.now() - settings.HISTORY_KEPT
    return delete_some(AccessLog.objects.filter(attempt_time__lt=end).order_by("pk"))


def clean_attempts() -> bool:
    end = timezone.now() - settings.HISTORY_KEPT
    return delete_some(AccessAttempt.objects.filter(attempt_time__lt=end).order_by("pk"))
