"""Whoever may do everything, for tests that are not about who does it; and who may write, but read no value."""

from django.contrib.auth.models import Permission, User

from vault.editing import Actor

ANYBODY = Actor.on_command_line()


def writer(user: User) -> Actor:
    """The user, with all rights in the vault but that to read values."""
    user.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="vault").exclude(codename="reveal_secret")
    )
    return Actor.by_person(User.objects.get(pk=user.pk))
