"""Who can be a member, and what members are called: people by their user names, machine identities and groups by their
own."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from accounts.machines import are_machines, is_machine
from vault.access.grants import Place, can, can_within
from vault.access.models import Membership

VIEW = "vault.view_membership"


def people() -> QuerySet[User]:
    return User.objects.filter(is_active=True).exclude(are_machines())


def machines() -> QuerySet[User]:
    return User.objects.filter(are_machines(), is_active=True)


def name_of(row: Membership) -> str:
    if row.group is not None:
        return f"group {row.group.name}"
    user = row.user
    assert user is not None  # noqa: S101 - the table's rule: one of both
    return f"machine identity {user.last_name}" if is_machine(user) else user.get_username()


def seen_by(user: Any, rows: Iterable[Membership]) -> list[Membership]:
    """Those that name no environment and no folder of which the user sees nothing."""
    return [row for row in rows if all(_sees(user, place) for place in _named_in(row))]


def _sees(user: Any, place: Place) -> bool:
    return can(user, VIEW, Place(place.project)) or can_within(user, VIEW, place)


def _named_in(row: Membership) -> Iterator[Place]:
    for environment in row.environments or [None]:
        for path in row.paths or [None]:
            yield Place(row.project_id, environment, path)


def where_of(row: Membership) -> str:
    environments = ", ".join(row.environments) or "all environments"
    return f"{environments}, below {', '.join(row.paths)}" if row.paths else environments


def told(row: Membership) -> str:
    return f"{row.get_role_display()} of {row.project}, in {where_of(row)}"


def tell_now(row: Membership) -> str:
    """As the log says it of a new or changed one."""
    return _as_sentence(f"{name_of(row)} is now {told(row)}")


def tell_gone(row: Membership) -> str:
    return _as_sentence(f"{name_of(row)} is no longer {told(row)}")


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
