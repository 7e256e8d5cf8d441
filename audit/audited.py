"""What the log tells of people and groups, which are rows of Django's."""

from django.contrib.auth.models import Group, Permission, User

from audit import registry
from audit.models import Entry, FailedLogIns


def register() -> None:
    registry.register(
        User,
        *("username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser"),
        hidden={"password": "password"},
        many={"groups": "groups__name", "rights of their own": "user_permissions__codename"},
        arguments=("user_id",),
    )
    registry.register(Group, "name", many={"rights": "permissions__codename"}, arguments=("group_id",))
    registry.leave_out(Entry, FailedLogIns, Permission)
