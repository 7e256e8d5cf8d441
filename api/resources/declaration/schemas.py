"""What a document of syncs and connections would do, and what it did."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from api.http.forms import Switch
from api.resources.base import Answer, StrictRequest, left_out
from api.resources.runs.schemas import PlanOut
from api.resources.syncs.planned import CrossingOut
from syncs.editing.declaration import Comparison, Difference
from syncs.editing.foreseen import Outlook

Name = Annotated[str, StringConstraints(max_length=255)]
EXAMPLE = "syncs: []\n"


class DeclarationIn(StrictRequest):
    document: Annotated[str, StringConstraints(max_length=1_000_000)] = Field(
        description="The YAML text, as `export` prints it.", examples=[EXAMPLE]
    )
    keys: Annotated[dict[Name, Annotated[str, StringConstraints(max_length=1000)]], Field(max_length=100)] = Field(
        default_factory=dict,
        description="The API keys that the document names by api_key_env. Never answered.",
        repr=False,
    )
    prune: Switch = Field(False, description="Delete what the document does not name.")
    remove_secrets: Switch = Field(False, description="Remove from Devin what syncs leave behind, or wrote if they go.")


class ApplyDeclaration(DeclarationIn):
    confirmed_deletions: Annotated[list[Name], Field(max_length=10_000)] = Field(
        default_factory=list, description="What a plan shows as deleted, as `kind name`. Nothing else is deleted."
    )


class FieldChange(Answer):
    name: str = Field(examples=["key_schema"])
    now: Any
    wanted: Any


class DifferenceOut(Answer):
    action: Literal["create", "change", "delete"]
    kind: str = Field(examples=["sync"])
    name: str = Field(examples=["acme-shop/my-devin-sync"])
    fields: list[FieldChange]

    @classmethod
    def of(cls, difference: Difference) -> Self:
        return cls.model_validate(difference.as_json())


class Warning(Answer):
    line: int
    message: str


class SyncPlan(Answer):
    """What a sync of the document would do in Devin. One that is deleted has no plan; where none could be drawn,
    `problem` says why."""

    name: str = Field(examples=["acme-shop/my-devin-sync"])
    crossings: list[CrossingOut] = Field(description="Where values would come from, or go to, instead.")
    removed: list[str] = Field(description="The keys that would be removed from the organization that it leaves.")
    plan: PlanOut = left_out()
    problem: str = left_out(examples=["Devin answered 401. Check the API key of the connection."])

    @classmethod
    def of(cls, name: str, outlook: Outlook) -> Self:
        crossed = [CrossingOut.of(each) for each in outlook.crossings]
        told = cls(name=name, crossings=crossed, removed=list(outlook.removed))
        if outlook.preview is not None:
            told.plan = PlanOut.of(outlook.preview)
        if outlook.problem:
            told.problem = outlook.problem
        return told


class Compared(Answer):
    differences: list[DifferenceOut]
    warnings: list[Warning]
    applied: bool
    plans: list[SyncPlan] = left_out(description="Only with `plan=true`: of each sync that differs.")

    @classmethod
    def of(cls, comparison: Comparison, *, applied: bool) -> Self:
        return cls(
            differences=[DifferenceOut.of(each) for each in comparison.differences],
            warnings=[Warning(line=each.line, message=each.message) for each in comparison.warnings],
            applied=applied,
        )

    @classmethod
    def foreseen(cls, comparison: Comparison, outlooks: Iterable[tuple[Difference, Outlook | None]]) -> Self:
        answer = cls.of(comparison, applied=False)
        answer.plans = [SyncPlan.of(each.name, outlook) for each, outlook in outlooks if outlook is not None]
        return answer


class Exported(Answer):
    document: dict[str, Any]
