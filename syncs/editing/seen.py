"""What there is for a document: everything on the command line, else what the person sees."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from django.db.models import QuerySet

from common.lacking import Lacking
from connections.models import Connection
from connections.reach import VIEW, within_reach
from syncs.access import projects_for
from syncs.editing.actor import Actor, Person
from syncs.editing.rights import check_may_use_at
from syncs.models import DevinSync, DevinSyncQuerySet
from vault.access import NOWHERE, Place, can, demand_at, visible
from vault.models import Project

SEE, SEE_ORGANIZATIONS = "vault.view_folder", "connections.view_organization"
# Any of these rights at a place shows what is there.
LOOKS = (SEE, "syncs.add_devinsync", "syncs.change_devinsync")
# What a sync set makes stands in no document: the set does.
SYNCS = DevinSync.objects.filter(set_id=None).with_source().select_related("connection")


@dataclass(frozen=True)
class Seen:
    by: Person | None = None

    @property
    def whole_connections(self) -> bool:
        """Whether those are shown with the way to where they lead."""
        return self.by is None or can(self.by, VIEW, NOWHERE)

    def check_may_see_ways(self, said: Collection[str]) -> None:
        """Whoever is shown no ways of connections guesses none either. Raises Lacking."""
        if said and not self.whole_connections:
            raise Lacking([VIEW])

    def check_may_look(self, place: Place) -> None:
        """Whether they may be told what there is at a place, or that there is nothing. Raises Lacking."""
        if self.by is not None and not any(can(self.by, permission, place) for permission in LOOKS):
            demand_at(self.by, place, SEE)

    def check_may_ask(self, connection: Connection, project: Project, place: Place) -> None:
        """Whether they may be told which organizations a connection reaches. Raises Lacking."""
        if self.by is not None and not can(self.by, SEE_ORGANIZATIONS, NOWHERE):
            check_may_use_at(connection, project, place, by=Actor.in_admin(self.by))

    def projects(self) -> QuerySet[Project]:
        return Project.objects.all() if self.by is None else projects_for(self.by)

    def connections(self) -> QuerySet[Connection]:
        return Connection.objects.all() if self.by is None else within_reach(self.by)

    def syncs(self) -> DevinSyncQuerySet:
        return SYNCS if self.by is None else cast(DevinSyncQuerySet, visible(self.by, SYNCS))

    def generated(self) -> DevinSyncQuerySet:
        """The syncs that sync sets make."""
        made = DevinSync.objects.exclude(set_id=None)
        return made if self.by is None else cast(DevinSyncQuerySet, visible(self.by, made))
