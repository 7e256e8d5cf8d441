"""Nobody gives away more rights than their own."""

from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.http import HttpRequest


def grantable(request: HttpRequest) -> QuerySet[Group]:
    """The groups whose rights the user has too."""
    if request.user.is_superuser:
        return Group.objects.all()
    return Group.objects.exclude(permissions__in=lacking_permissions(request))


def lacking_permissions(request: HttpRequest) -> list[int]:
    """The ids of those that the user does not have."""
    held = request.user.get_all_permissions()
    rows = Permission.objects.values_list("pk", "content_type__app_label", "codename")
    return [pk for pk, app_label, codename in rows if f"{app_label}.{codename}" not in held]
