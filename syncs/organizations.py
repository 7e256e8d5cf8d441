"""What the Devin organization is called that a sync or a run writes to, where its connection's enterprise tells."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery

from connections.models import Connection, Organization


def id_of(connection: Connection | None, entered: str) -> str:
    """Of a name that one organization of the connection has; anything else is taken as it is."""
    known = Organization.objects.filter(connection=connection, name=entered, gone_at=None)
    ids = list(known.values_list("org_id", flat=True)[:2])
    return ids[0] if len(ids) == 1 else entered


class NamesOrganization(models.Model):
    """Has an organization's id, and the connection by which it is reached."""

    connection_id: Any
    org_id: Any
    # Whose name is known, and the name; an edited row asks again.
    _named: tuple[Any, Any, str] | None = None

    class Meta:
        abstract = True

    @property
    def organization(self) -> str:
        """Its name, or its id where no name is known. A query, unless `name_organizations` has been here."""
        if self._named is None or self._named[:2] != (self.connection_id, self.org_id):
            name_organizations([self])
        return (self._named[2] if self._named else "") or str(self.org_id)


Row = TypeVar("Row", bound=NamesOrganization)


def name_organizations(rows: Iterable[NamesOrganization]) -> None:
    """Looks up the names of all in one query."""
    rows = list(rows)
    ids = {row.org_id for row in rows}
    found = Organization.objects.filter(connection__in={row.connection_id for row in rows}, org_id__in=ids)
    names = {each[:2]: each[2] for each in found.order_by().values_list("connection_id", "org_id", "name")}
    for row in rows:
        row._named = (row.connection_id, row.org_id, names.get((row.connection_id, row.org_id), ""))


def load_named(rows: QuerySet[Row]) -> list[Row]:
    """Loads them with the names in the same query."""
    known = Organization.objects.filter(connection=OuterRef("connection_id"), org_id=OuterRef("org_id"))
    found = list(rows.annotate(known_name=Subquery(known.order_by().values("name")[:1])))
    for row in found:
        row._named = (row.connection_id, row.org_id, getattr(row, "known_name", None) or "")
    return found
