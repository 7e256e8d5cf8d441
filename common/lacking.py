"""A refusal that knows what was lacking, so that its page can name it."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied

from common.refusals import note_lacking


class Lacking(PermissionDenied):
    """`permissions` as Django names them, such as `vault.reveal_secret`; `where` goes on behind them, "" everywhere.

    `place` is the same for the audit log.
    """

    def __init__(self, permissions: Iterable[str], *, where: str = "", place: Any = None) -> None:
        self.permissions, self.where = tuple(permissions), where
        note_lacking(self.permissions, place)
        several = "permissions" if len(self.permissions) > 1 else "permission"
        there = f" {where}" if where else ""
        super().__init__(f"This takes the {several} {' and '.join(self.permissions)}{there}, which you lack.")


def demand_rights(user: Any, *permissions: str) -> None:
    """Raises Lacking unless the user has all of these."""
    lacking = [name for name in permissions if not user.has_perm(name)]
    if lacking:
        raise Lacking(lacking)
