"""The lines that tell what became of somebody's second factor: in the history of their account and the audit log."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType


def write_down(by: User, whose: User, what: str) -> None:
    LogEntry.objects.create(
        user=by,
        action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(whose.pk),
        object_repr=str(whose),
        change_message=what,
    )
