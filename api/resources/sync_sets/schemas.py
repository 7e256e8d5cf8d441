"""Sync sets in the shape of secret syncs: in the place of the destination stands which organizations they take.

Organizations are named by lists, where the columns hold a line each.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import UUID

from django.db import models
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, create_model, model_validator

from api.http.forms import Switch, WholeNumber
from api.resources.base import EXAMPLE_ID, Answer, StrictRequest, Timestamp, left_out, one_of
from api.resources.sync_sets.counts import OrganizationCounts, SetCounts, SyncCounts
from api.resources.syncs.options import SyncOptions, SyncOptionsIn, check_key_schema, type_of
from api.resources.syncs.schemas import (
    ConnectionRef,
    Description,
    EnvironmentRef,
    EnvironmentSlug,
    FolderRef,
    Name,
    ProjectId,
    SecretPath,
    TrackStatus,
    track_status,
)
from fleets.choices import MissingFolder, NewOrganizations, Selection, State, StepState, WhenLeft
from fleets.models import LONGEST_NAME, Member, SyncSet
from fleets.selecting import LONGEST_LINE, MOST_LINES
from fleets.slugs import ORGANIZATION, fill
from fleets.waves.forming import Turn
from syncs.key_schema import LONGEST_SCHEMA
from syncs.words import help_of

Model = TypeVar("Model", bound=BaseModel)
SelectionWord = Literal["all", "listed", "matching"]
NewWord = Literal["at_once", "ask"]
FolderWord = Literal["skip", "error"]
LeftWord = Literal["pause", "remove"]
StateWord = Literal["new", "waiting", "active", "skipped", "failed", "left"]
# Beside the pause, which is spelled otherwise.
LIMITS = tuple(name for name in Member.OVERRIDABLE if name != "is_enabled")


def help_of_set(name: str) -> str:
    found = SyncSet._meta.get_field(name)
    assert isinstance(found, models.Field)  # noqa: S101 - a set's own columns only
    return str(found.help_text)


def with_limits(*, nullable: bool) -> Callable[[type[Model]], type[Model]]:
    """Adds the options that may be said otherwise for one organization."""

    def decorate(schema: type[Model]) -> type[Model]:
        fields: dict[str, Any] = {
            name: (type_of(name) | None if nullable else type_of(name), Field(None, description=help_of(name)))
            for name in LIMITS
        }
        return create_model(schema.__name__, __base__=schema, __module__=schema.__module__, **fields)

    return decorate


def _one_line(text: str) -> str:
    if len(text.splitlines()) != 1:
        raise ValueError("Name one organization, or one pattern, an entry.")
    return text


def _schema_of_set(text: str) -> str:
    check_key_schema(fill(text, "organization"))
    return text


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_LINE),
    AfterValidator(_one_line),
    Field(examples=["acme-*"]),
]
Lines = Annotated[list[Line], Field(max_length=MOST_LINES)]
ManyIds = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=128)]], Field(min_length=1, max_length=MOST_LINES)
]
SetName = Annotated[
    Name, StringConstraints(max_length=LONGEST_NAME), Field(examples=["core"], description=help_of_set("name"))
]
SetPath = Annotated[
    SecretPath,
    Field(
        examples=[f"/my-secrets/{ORGANIZATION}"],
        description=f"The folder that all read or, with {ORGANIZATION} in it, a folder for each: in the place of the "
        "word stands the name of the organization, Acme Corp as acme-corp.",
    ),
]
SetKeySchema = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_SCHEMA),
    AfterValidator(_schema_of_set),
    Field(examples=["PROD_{{secretKey}}"]),
]


class SetOptionsIn(SyncOptionsIn):
    key_schema: SetKeySchema | None = Field(None, description=help_of_set("key_schema"))


class SetDestinationIn(StrictRequest):
    selection: SelectionWord = Field(
        examples=["all"], description="Which organizations of the connection: all, those listed, or names that match."
    )
    chosen: Lines = Field([], description=f"{help_of_set('chosen')} An entry each.")
    exceptions: Lines = Field([], description="Organizations that the set leaves out: names, IDs or patterns.")
    new_organizations: NewWord = Field("at_once", description=help_of_set("new_organizations"))
    when_left: LeftWord = Field(
        "pause", description=f"An organization that matches no more. {help_of_set('when_left')}"
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.selection == "all" and self.chosen:
            raise ValueError("With selection all, chosen means nothing. Leave it out, or name exceptions.")
        return self


class SetIn(StrictRequest):
    """What creating and changing a set have in common."""

    description: Description | None = None
    is_enabled: Switch = left_out(description=help_of_set("is_enabled"))
    missing_folder: FolderWord = left_out(description=help_of_set("missing_folder"))
    canaries: Lines = left_out(description="Names or IDs. A change reaches these first, then the others.")
    wave_size: Annotated[WholeNumber, Field(ge=0, le=100_000)] = left_out(description=help_of_set("wave_size"))
    max_failures: Annotated[WholeNumber, Field(ge=0, le=100_000)] = left_out(description=help_of_set("max_failures"))


class CreateSet(SetIn):
    name: SetName
    project_id: ProjectId
    connection_id: UUID = Field(examples=[EXAMPLE_ID])
    environment: EnvironmentSlug
    secret_path: SetPath
    sync_options: SetOptionsIn
    destination_config: SetDestinationIn


class UpdateSet(SetIn):
    """Any part of a set but its project. `syncOptions` and `destinationConfig` are replaced whole."""

    name: SetName = left_out()
    project_id: ProjectId = left_out(description="A set stays in its project: this may only name it.")
    connection_id: UUID = left_out()
    environment: EnvironmentSlug = left_out()
    secret_path: SetPath = left_out()
    sync_options: SetOptionsIn = left_out()
    destination_config: SetDestinationIn = left_out()


class ApproveOrganizations(StrictRequest):
    org_ids: ManyIds = Field(examples=[["org-sandbox"]])


@with_limits(nullable=True)
class OverrideOrganization(StrictRequest):
    """What holds for this organization alone. What is not sent stays; null is as the set says."""

    is_paused: Annotated[Switch, Field(examples=[True])] | None = Field(
        None, description="Its sync stands still, whatever the set does. false and null take it back."
    )


@with_limits(nullable=False)
class Overrides(Answer):
    """What is said for this organization alone."""


class SetDestination(Answer):
    selection: str = one_of(*Selection.values)
    chosen: list[str] = Field(examples=[["acme-*"]])
    exceptions: list[str] = Field(examples=[["acme-test"]])
    new_organizations: str = one_of(*NewOrganizations.values)
    when_left: str = one_of(*WhenLeft.values)

    @classmethod
    def of(cls, each: SyncSet) -> Self:
        return cls(
            selection=each.selection,
            chosen=each.chosen.splitlines(),
            exceptions=each.exceptions.splitlines(),
            new_organizations=each.new_organizations,
            when_left=each.when_left,
        )


class SyncSetOut(Answer):
    """A set, and how its organizations and their syncs stand."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["core"])
    description: str | None = Field(examples=["What all organizations share"])
    is_enabled: bool
    version: int = Field(examples=[1])
    created_at: Timestamp
    updated_at: Timestamp
    project_id: UUID = Field(examples=[EXAMPLE_ID])
    connection_id: UUID = Field(examples=[EXAMPLE_ID])
    connection: ConnectionRef
    environment: EnvironmentRef | None
    folder: FolderRef | None = Field(description="The folder above those of the organizations, or that of all of them.")
    secret_path: str = Field(examples=[f"/my-secrets/{ORGANIZATION}"])
    missing_folder: str = one_of(*MissingFolder.values)
    sync_options: SyncOptions
    destination: Literal["devin"]
    destination_config: SetDestination
    canaries: list[str] = Field(examples=[["org-sandbox"]])
    wave_size: int
    max_failures: int
    message: str | None = Field(examples=[None], description="Why its organizations could not be looked at.")
    is_ending: bool = Field(description="It is being deleted, and goes once all its secrets are removed from Devin.")
    organization_counts: OrganizationCounts
    sync_counts: SyncCounts

    @classmethod
    def of(cls, each: SyncSet, counts: SetCounts) -> Self:
        connection = each.connection
        return cls(
            **{name: getattr(each, name) for name in PLAIN},
            description=each.description or None,
            connection=ConnectionRef(app=connection.app, name=connection.name, id=connection.id),
            environment=EnvironmentRef.of(each.known_environment, each.project_id),
            folder=FolderRef.of(each.source, each.project_id),
            secret_path=each.told_path,
            sync_options=SyncOptions.of(each),
            destination="devin",
            destination_config=SetDestination.of(each),
            canaries=each.canaries.splitlines(),
            message=each.message or None,
            organization_counts=OrganizationCounts.of(counts.organizations),
            sync_counts=SyncCounts.of(counts.syncs),
        )


PLAIN = (
    *("id", "name", "is_enabled", "version", "created_at", "updated_at", "project_id", "connection_id"),
    *("missing_folder", "wave_size", "max_failures", "is_ending"),
)


class SetOrganization(Answer):
    """An organization in a set, with its sync if it has one."""

    org_id: str = Field(examples=["org-sandbox"])
    organization: str = Field("", description="What it is called, where the connection tells names.")
    slug: str = Field(examples=["acme-corp"], description=f"What stands for {ORGANIZATION}.")
    state: str = one_of(*State.values)
    message: str | None = Field(examples=[None])
    is_paused: bool
    overrides: Overrides
    joined_at: Timestamp
    left_at: Timestamp | None = Field(examples=[None])
    sync_id: UUID | None = Field(examples=[EXAMPLE_ID])
    sync_status: TrackStatus = Field(examples=["succeeded"])
    last_sync_message: str | None = Field(examples=[None])
    last_synced_at: Timestamp | None
    is_canary: bool = Field(description="A change reaches it before others.")
    wave: int | None = Field(examples=[2], description="In the open rollout, from 1; null where it has no turn in one.")
    turn: str | None = Field(description=f"How far that is: one of {', '.join(StepState.values)}.")
    next_wave: int | None = Field(
        examples=[2], description="In a rollout to all if that began now; null where the set does not go in waves."
    )

    @classmethod
    def of(cls, member: Member, turn: Turn | None = None) -> Self:
        """One whose set is loaded; `turn` where that goes in waves."""
        sync, turn = member.sync, turn or Turn(is_canary=False)
        named = {"organization": member.organization} if member.organization != member.org_id else {}
        said = {name: value for name, value in member.overrides.items() if name in LIMITS}
        return cls(
            org_id=member.org_id,
            slug=member.slug,
            state=member.state,
            message=member.message or None,
            is_paused=member.is_paused,
            overrides=Overrides(**said),
            joined_at=member.joined_at,
            left_at=member.left_at,
            sync_id=member.sync_id,
            sync_status=track_status(sync.sync_status) if sync else None,
            last_sync_message=(sync.last_sync_message if sync else "") or None,
            last_synced_at=sync.last_synced_at if sync else None,
            is_canary=turn.is_canary,
            wave=turn.wave,
            turn=turn.state,
            next_wave=turn.next_wave,
            **named,
        )


class OneSet(Answer):
    sync_set: SyncSetOut


class ManySets(Answer):
    sync_sets: list[SyncSetOut]


class StartedSet(OneSet):
    queued_runs: int = Field(examples=[38], description="How many of its syncs run now, or are in the queue.")


class OneOrganization(Answer):
    organization: SetOrganization


class ManyOrganizations(Answer):
    organizations: list[SetOrganization]
    total_count: int = Field(examples=[300], description="Of the state that was asked for, on all pages.")
