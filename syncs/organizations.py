"""What the Devin organization is called that a sync or a run writes to, where its connection's enterprise tells."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery

from common.patterns import ORG_ID, validate_org_id
from connections.models import Connection, Organization

IDS_TOLD = 5


def id_of(connection: Connection | None, entered: str) -> str:
    """Of a name that one organization of the connection has; anything else is taken as it is.

    What is an id is never a name: whoever names organizations must not say where an id leads.
    """
    ids = [] if re.fullmatch(ORG_ID, entered) else _ids_of(connection, entered)
    return ids[0] if len(ids) == 1 else entered


def require_id(connection: Connection | None, entered: str) -> str:
    """As `id_of`. Raises ValidationError where no organization of the connection has the name, or several have."""
    org_id = id_of(connection, entered)
    is_known_by_name = Organization.objects.filter(connection=connection, gone_at=None).exists()
    if connection is None or not is_known_by_name or re.fullmatch(ORG_ID, org_id):
        validate_org_id(org_id)
        return org_id
    if ids := _ids_of(connection, entered):
        more = "…" if len(ids) > IDS_TOLD else ""
        told = f"Connection “{connection.name}” reaches several organizations of this name. Enter the ID of one: "
        raise ValidationError(f"{told}{', '.join(ids[:IDS_TOLD])}{more}")
    raise ValidationError(
        f"Connection “{connection.name}” knows no organization of this name. Enter its ID, which starts with “org-”, "
        "or ask for the organizations on the connection's page."
    )


def _ids_of(connection: Connection | None, name: str) -> list[str]:
    known = Organization.objects.filter(connection=connection, name=name, gone_at=None)
    return list(known.order_by("org_id").values_list("org_id", flat=True)[: IDS_TOLD + 1])


def known_names() -> dict[tuple[str, str], str]:
    """What organizations are called, by the name of a connection and the id."""
    rows = Organization.objects.exclude(name="").order_by().values_list("connection__name", "org_id", "name")
    return {(connection, org_id): name for connection, org_id, name in rows}


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
    if not (rows := list(rows)):
        return
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
