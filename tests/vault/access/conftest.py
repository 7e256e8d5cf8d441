from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from vault.access.models import Membership
from vault.models import Project

MemberOf = Callable[..., User]


@pytest.fixture
def member_of(project: Project) -> MemberOf:
    """Somebody of that name without any installation-wide right, with one more role in the project."""

    def make(name: str, role: str, environments: tuple[str, ...] = (), paths: tuple[str, ...] = ()) -> User:
        user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
        limits = {"environments": list(environments), "paths": list(paths)}
        Membership.objects.create(project=project, user=user, role=role, **limits)
        return User.objects.get(pk=user.pk)

    return make
