"""Of which projects somebody is a member, for their page among the users: with links to where that is changed."""

from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse

from vault.access import visible
from vault.access.holders import where_of
from vault.access.models import Membership


@dataclass(frozen=True)
class Row:
    """`group` is the one through which they are a member, if it is one."""

    project: str
    url: str
    role: str
    where: str
    group: str

    @classmethod
    def of(cls, row: Membership) -> "Row":
        url = reverse("admin:vault_members", args=[row.project_id])
        group = row.group.name if row.group is not None else ""
        return cls(row.project.name, url, row.get_role_display(), where_of(row), group)


@dataclass(frozen=True)
class Memberships:
    """`unseen` counts those of projects whose members the one who looks may not see."""

    rows: list[Row] = field(default_factory=list)
    unseen: int = 0

    @property
    def count(self) -> int:
        return len(self.rows) + self.unseen


def load_memberships(request: HttpRequest, user: User) -> Memberships:
    every = Membership.objects.filter(Q(user=user) | Q(group__user=user)).distinct()
    seen = visible(request.user, every).select_related("project", "group").order_by("project__name", "created_at")
    rows = [Row.of(row) for row in seen]
    return Memberships(rows, every.count() - len(rows))
