"""The lines that tell what became of somebody's account: in its history and in the audit log."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType


def write_down(by: User, whose: User, what: str, *, flag: int = CHANGE) -> None:
    """`flag` is Django's: ADDITION where the account has just been made."""
    LogEntry.objects.create(
        user=by,
        action_flag=flag,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(whose.pk),
        object_repr=str(whose)[:200],
        change_message=what,
    )
