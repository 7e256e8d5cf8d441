"""What a change of a sync answers, made or only planned."""

from dataclasses import asdict
from typing import Literal, Self

from pydantic import Field

from api.resources.base import Answer, left_out
from api.resources.runs.schemas import PlanOut
from api.resources.syncs.edits import Foreseen
from api.resources.syncs.schemas import OneSync, SecretSync
from syncs.editing.crossings import Crossing, crossings
from syncs.engine.preview import preview


class CrossingOut(Answer):
    what: Literal["project", "environment", "connection", "address", "organization"]
    before: str = Field(examples=["dev"])
    after: str = Field(examples=["prod"])

    @classmethod
    def of(cls, crossing: Crossing) -> Self:
        return cls.model_validate(asdict(crossing))


class EditedSync(OneSync):
    """The sync. With `plan=true`, as it would be, and what the change would do; nothing has been saved."""

    plan: PlanOut = left_out(description="Only with `plan=true`: what the run that follows would do.")
    crossings: list[CrossingOut] = left_out(
        description="Only with `plan=true`: where values would come from, or go to, instead."
    )
    removed: list[str] = left_out(
        description="Only with `plan=true`: the keys that would be removed from the destination that the sync leaves."
    )

    @classmethod
    def made(cls, answer: OneSync) -> Self:
        return cls(secret_sync=answer.secret_sync)

    @classmethod
    def foreseen(cls, found: Foreseen, *, names_authors: bool) -> Self:
        """Talks to Devin, so never inside of a transaction."""
        return cls(
            secret_sync=SecretSync.of(found.after),
            plan=PlanOut.of(preview(found.after, names_authors=names_authors)),
            crossings=[CrossingOut.of(each) for each in crossings(found.before, found.after)],
            removed=found.removed,
        )
