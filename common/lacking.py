"""A refusal that knows what was lacking, so that its page can name it."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied


class Lacking(PermissionDenied):
    """`permissions` as Django names them, such as `vault.reveal_secret`."""

    def __init__(self, permissions: Iterable[str]) -> None:
        super().__init__()
        self.permissions = tuple(permissions)


def demand_rights(user: Any, *permissions: str) -> None:
    """Raises Lacking unless the user has all of these."""
    lacking = [name for name in permissions if not user.has_perm(name)]
    if lacking:
        raise Lacking(lacking)
