"""Who may use the admin: one person of each role."""

from django.contrib.auth.models import Group, User
from django.test import Client

ROLES = ("anonymous", "nobody", "viewer", "operator", "editor", "administrator", "superuser")


def log_in(client: Client, role: str) -> User | None:
    """As a person of that role; "nobody" may enter the admin and has no permission."""
    if role == "anonymous":
        return None
    user = User.objects.create_user(role, password="x", is_staff=True, is_superuser=role == "superuser")
    if role not in ("nobody", "superuser"):
        user.groups.add(Group.objects.get(name=role.capitalize()))
    client.force_login(user)
    return user
