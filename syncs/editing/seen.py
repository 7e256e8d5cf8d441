"""What there is for a document: everything on the command line, else what the person sees."""

from dataclasses import dataclass
from typing import cast

from django.db.models import QuerySet

from connections.models import Connection
from connections.reach import VIEW, within_reach
from syncs.access import projects_for
from syncs.editing.actor import Person
from syncs.models import DevinSync, DevinSyncQuerySet
from vault.access import NOWHERE, can, visible
from vault.models import Project

# What a sync set makes stands in no document: the set does.
SYNCS = DevinSync.objects.filter(set_id=None).with_source().select_related("connection")


@dataclass(frozen=True)
class Seen:
    by: Person | None = None

    @property
    def whole_connections(self) -> bool:
        """Whether those are shown with the way to where they lead."""
        return self.by is None or can(self.by, VIEW, NOWHERE)

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
