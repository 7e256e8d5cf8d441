"""Finds the row that a request names, or says that there is none; and a page of many, by a cursor."""

import re
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.http.errors import NotFoundError, Unprocessable

Row = TypeVar("Row", bound=Model)
CURSOR = re.compile(r"([0-9]{8}T[0-9]{12})-([0-9a-f]{32})")
TIME_FORMAT = "%Y%m%dT%H%M%S%f"


def find(rows: QuerySet[Row], pk: UUID | int) -> Row:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFoundError(f"There is no {rows.model._meta.verbose_name} with the ID {pk}.")
    return row


class PageQuery(BaseModel):
    """The newest first; what comes meanwhile shifts nothing."""

    model_config = ConfigDict(alias_generator=to_camel)

    cursor: str | None = Field(None, min_length=1, max_length=200, description="The nextCursor of the page before.")
    limit: int = Field(100, ge=1, le=1000)

    def page(self, rows: QuerySet[Row], *, by: str) -> tuple[list[Row], str | None]:
        """`by` is the column of when a row came. The rows, and what the next page begins with, if there is one."""
        found = list(rows.filter(self._beyond(by)).order_by(f"-{by}", "-pk")[: self.limit + 1])
        if len(found) <= self.limit:
            return found, None
        last = found[self.limit - 1]
        return found[: self.limit], f"{getattr(last, by).astimezone(UTC):{TIME_FORMAT}}-{last.pk.hex}"

    def _beyond(self, by: str) -> Q:
        if self.cursor is None:
            return Q()
        try:
            time, pk = CURSOR.fullmatch(self.cursor).groups()  # type: ignore[union-attr] # AttributeError is caught
            at = datetime.strptime(time, TIME_FORMAT).replace(tzinfo=UTC)
        except (AttributeError, ValueError):
            raise Unprocessable.at("cursor", message="Send the nextCursor of the page before.") from None
        return Q(**{f"{by}__lt": at}) | Q(**{by: at, "pk__lt": UUID(pk)})
