"""What of a project one caller sees: for a member the environments of their places, and the connections that are shared
with them."""

from collections.abc import Iterable
from functools import cached_property
from typing import Protocol, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from api.auth.callers import Caller
from api.resources.lookups import sees_by_place
from connections.reach import within_reach
from sources.words import JOINED
from vault.access import Place, can, visible
from vault.models import Project


class Named(Protocol):
    @property
    def slug(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


class Seen:
    """For one request: the connections within reach are asked for once, and only where a project has one."""

    def __init__(self, caller: Caller) -> None:
        self._user, self._by_place = caller.user, sees_by_place(caller, "vault.view_project")

    def projects(self) -> QuerySet[Project]:
        rows = Project.objects.prefetch_related("environments").select_related(*JOINED)
        return visible(self._user, rows) if self._by_place else rows

    def environments(self, project: Project, entries: Iterable[Entry]) -> list[Entry]:
        return [each for each in entries if self._sees(Place(project.pk, each.slug))]

    def reaches(self, connection_id: UUID) -> bool:
        return not self._by_place or connection_id in self._reached

    def _sees(self, place: Place) -> bool:
        return not self._by_place or can(self._user, "vault.view_environment", place)

    @cached_property
    def _reached(self) -> set[UUID]:
        return set(within_reach(self._user).values_list("pk", flat=True))
