"""The users by whom machine identities act: nobody logs in as one, and no person may pass for one."""

from django.contrib.auth.models import User
from django.db.models import Q

from common.prefixes import starts_with

# How their user names begin; people know an identity by its own name, which is the user's last name.
PREFIX = "identity-"


def are_machines() -> Q:
    """A condition on users. Whoever may log in is a person, whatever the name."""
    return Q(starts_with("username", PREFIX), is_staff=False)


def is_machine(user: User) -> bool:
    return is_reserved(user.get_username()) and not user.is_staff


def is_reserved(username: str) -> bool:
    """Whether no person is given the name; in whatever case, so that none looks like it either."""
    return username.lower().startswith(PREFIX)
