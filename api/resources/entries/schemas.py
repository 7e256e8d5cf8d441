"""Lines of the audit log, what narrows them, and where a page of them ends."""

import re
from typing import Annotated, Literal, Self

from django.db.models import Q, QuerySet
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from api.http.errors import Unprocessable
from api.http.queries import Moment
from api.resources.base import EXAMPLE_ID, Answer, Timestamp, one_of
from audit.filters import with_outcome
from audit.models import Action, Entry, Outcome

Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Order = Literal["newest", "oldest"]
LongWord = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
# Parameters that a column must be equal to.
EXACT = {
    **{name: name for name in ("actor", "action", "kind", "object_id", "name", "request_id")},
    **{name: name for name in ("project", "environment", "path", "key", "token")},
    "run_id": "run",
}
CURSOR = re.compile(r"(newest|oldest)-([0-9]{1,18})")


class ChangeOut(Answer):
    """What a field of the row held; "" for nothing. Of credentials and values only that they were replaced."""

    field: str = Field(examples=["comment"])
    before: str = Field(examples=["Of the old shop"])
    after: str = Field(examples=["Of the shop"])


class EntryOut(Answer):
    """`position` and `digest` are null for the seconds until a line is linked to the one before."""

    id: str = Field(examples=["4711"])
    at: Timestamp
    actor: str = Field(examples=["alex (API token ci)"])
    action: Annotated[str, one_of(*Action.values)]
    kind: str = Field(examples=["secret"])
    object_id: str = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["DB_URL"])
    project: str = Field(examples=["shop"])
    environment: str = Field(examples=["dev"])
    path: str = Field(examples=["/app"])
    key: str = Field(examples=["DB_URL"])
    run_id: str = Field(examples=[EXAMPLE_ID], description="The run that it started, or that it was done to.")
    token: str = Field(examples=["API token ci"], description="The token or machine identity that asked for it.")
    outcome: Annotated[str, one_of("", *Outcome.values)] = Field(description="Empty in lines of earlier releases.")
    refused_for: str = Field(examples=["vault.reveal_secret"], description="The rights that were missing, or why not.")
    changes: list[ChangeOut]
    detail: str = Field(examples=["Revealed the value."])
    address: str = Field(examples=["192.0.2.7"])
    request_id: str = Field(examples=["0f9f1c5d2b7e4c3a8d6e5f4a3b2c1d0e"])
    position: int | None
    digest: str | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(
            id=str(entry.pk),
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            kind=entry.kind,
            object_id=entry.object_id,
            name=entry.name,
            project=entry.project,
            environment=entry.environment,
            path=entry.path,
            key=entry.key,
            run_id=entry.run,
            token=entry.token,
            outcome=entry.outcome,
            refused_for=entry.lacking,
            changes=[ChangeOut(**each._asdict()) for each in entry.told_changes],
            detail=entry.detail,
            address=entry.address,
            request_id=entry.request_id,
            position=entry.position,
            digest=entry.digest or None,
        )


class ManyEntries(Answer):
    entries: list[EntryOut]
    next_cursor: str | None = Field(description="What to send as `cursor` for the next page.", examples=["newest-4711"])


class EntryQuery(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    actor: Word | None = Field(None, description="Who did it, exactly as the log names them.")
    action: Action | None = Field(None, description="What was done.")
    kind: Word | None = Field(None, description="What it was done to, such as secret or sync.")
    object_id: Word | None = Field(None, description="The ID of what it was done to.")
    name: Word | None = Field(None, description="The name of what it was done to.")
    project: Word | None = Field(None, description="The slug of the project that it was done in.")
    environment: Word | None = Field(None, description="The slug of the environment, as it was then.")
    path: LongWord | None = Field(None, description="The path of the folder, as it was then.")
    key: LongWord | None = Field(None, description="The key of the secret.")
    run_id: Word | None = Field(None, description="The run that it started, or that it was done to.")
    token: Word | None = Field(None, description="The token or machine identity, exactly as the log names it.")
    outcome: Outcome | None = Field(None, description="How it ended; refused: what somebody was kept from.")
    request_id: Word | None = Field(None, description="The request, as X-Request-ID answers it.")
    since: Moment | None = Field(None, description="No line before this moment.")
    until: Moment | None = Field(None, description="Only lines before this moment.")
    order: Order = Field("newest", description="`oldest`: the lines that are linked, as they stand in the chain.")
    cursor: Word | None = Field(None, description="The nextCursor of the page before.")
    limit: int = Field(100, ge=1, le=1000)

    def chosen(self) -> QuerySet[Entry]:
        exact = {column: getattr(self, name) for name, column in EXACT.items()}
        rows = Entry.objects.filter(**{name: value for name, value in exact.items() if value is not None})
        rows = with_outcome(rows, self.outcome) if self.outcome else rows
        moments = {"at__gte": self.since, "at__lt": self.until}
        rows = rows.filter(**{name: value for name, value in moments.items() if value is not None})
        if self.order == "oldest":
            return rows.filter(self._beyond("position__gt"), position__isnull=False).order_by("position")
        return rows.filter(self._beyond("id__lt")).order_by("-id")

    def _beyond(self, lookup: str) -> Q:
        if self.cursor is None:
            return Q()
        found = CURSOR.fullmatch(self.cursor)
        if found is None or found[1] != self.order:
            raise Unprocessable.at("cursor", message=f"Send the nextCursor of a page with order={self.order}.")
        return Q(**{lookup: int(found[2])})

    def page(self) -> ManyEntries:
        """Of the oldest, the cursor is answered at the end too: whoever follows the log goes on from there later."""
        rows = list(self.chosen()[: self.limit + 1])
        found, more = rows[: self.limit], len(rows) > self.limit
        cursor = self.cursor if self.order == "oldest" else None
        if found and (more or self.order == "oldest"):
            last = found[-1]
            cursor = f"{self.order}-{last.position if self.order == 'oldest' else last.pk}"
        return ManyEntries(entries=[EntryOut.of(entry) for entry in found], next_cursor=cursor)
