"""Projects with their environments. Infisical once called a project a workspace; its older routes still do."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from api.http.forms import Switch, WholeNumber
from api.resources.base import EXAMPLE_ID, Answer, Request, Timestamp, left_out
from api.resources.projects.seen import Seen
from api.resources.syncs.schemas import Description
from sources.ids import stable_id
from sources.models import LinkedProject
from sources.protocol import EnvironmentEntry
from sources.words import link_of
from vault.models import Environment, Project

ProjectName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["Billing"])
]
Slug = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["billing"])
]
SourceProjectId = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), Field(examples=["web-shop"])
]
PollSeconds = Annotated[
    WholeNumber, Field(ge=0, le=86400, description="How often to look for changes; 0 for never.", examples=[60])
]
Position = Annotated[WholeNumber, Field(ge=0, le=10_000)]


class CreateProject(Request):
    project_name: ProjectName
    project_description: Description | None = None
    slug: Slug | None = Field(None, description="Made from the name where it is not given.")
    should_create_default_envs: Switch = Field(True, description="With Development, Staging and Production.")
    type: Literal["secret-manager"] = "secret-manager"
    template: Literal["default"] | None = Field(None, description="Accepted: there are no other templates.")
    kms_key_id: None = None
    has_delete_protection: Literal[False] | None = None

    source_connection_id: UUID | None = Field(
        None, description="A connection to another source of secrets: the project is kept there, and only read."
    )
    source_project_id: SourceProjectId | None = Field(
        None, description="The ID or the slug that the project has there. An ID that is a UUID stays its ID here."
    )
    source_poll_seconds: PollSeconds | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.source_connection_id is None) != (self.source_project_id is None):
            raise ValueError("A linked project takes both sourceConnectionId and sourceProjectId.")
        return self


class UpdateProject(Request):
    name: ProjectName = left_out()
    description: Description | None = None
    slug: Slug = left_out()
    source_poll_seconds: PollSeconds = left_out(description="Of a linked project alone.")


class CreateEnvironment(Request):
    name: ProjectName
    slug: Slug
    position: Position | None = None


class UpdateEnvironment(Request):
    name: ProjectName = left_out()
    slug: Slug = left_out()
    position: Position = left_out()


class AuditLogRetention(Request):
    audit_logs_retention_days: WholeNumber = Field(ge=0, le=2_000_000_000, examples=[30])


class EnvironmentInProject(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["Development"])
    slug: str = Field(examples=["dev"])

    @classmethod
    def of(cls, environment: Environment) -> Self:
        return cls(id=environment.id, name=environment.name, slug=environment.slug)

    @classmethod
    def told(cls, entry: EnvironmentEntry, project_id: UUID) -> Self:
        """One of a project that is kept elsewhere."""
        own_id = stable_id(project_id, entry.id, entry.slug)
        return cls(id=own_id, name=entry.name or entry.slug, slug=entry.slug)


class SourceOut(Answer):
    """Where a project's secrets are kept: the vault, or a connection and the project there."""

    type: str = Field(examples=["vault"])
    connection_id: UUID | None = Field(examples=[None])
    connection_name: str | None = Field(examples=[None])
    project_id: str | None = Field(examples=[None])
    poll_seconds: int | None = Field(examples=[None])
    last_read_at: Timestamp | None = Field(examples=[None])
    last_error: str | None = Field(examples=[None])

    @classmethod
    def of(cls, project: Project, link: LinkedProject | None, seen: Seen) -> Self:
        """How a connection fares, and which it is, is for those who may see it."""
        if link is None or not seen.reaches(link.connection_id):
            nothing = dict.fromkeys(set(cls.model_fields) - {"type"})
            return cls(type=project.source, **nothing)
        return cls(
            type=project.source,
            connection_id=link.connection_id,
            connection_name=link.connection.name,
            project_id=link.remote_id,
            poll_seconds=link.poll_seconds,
            last_read_at=link.last_read_at,
            last_error=link.last_error or None,
        )


class EnvironmentOut(EnvironmentInProject):
    position: int = Field(examples=[1])
    project_id: UUID = Field(examples=[EXAMPLE_ID])
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, environment: Environment) -> Self:
        return cls(
            id=environment.id,
            name=environment.name,
            slug=environment.slug,
            position=environment.position,
            project_id=environment.project_id,
            created_at=environment.created_at,
            updated_at=environment.updated_at,
        )

    @classmethod
    def told_all(cls, project: Project, entries: Sequence[EnvironmentEntry]) -> list[Self]:
        """Those of a project that is kept elsewhere, in its order."""
        found = [EnvironmentInProject.told(entry, project.pk) for entry in entries]
        at = {"created_at": project.created_at, "updated_at": project.updated_at}
        return [
            cls(id=each.id, name=each.name, slug=each.slug, position=position, project_id=project.pk, **at)
            for position, each in enumerate(found, start=1)
        ]


class ProjectOut(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["Billing"])
    slug: str = Field(examples=["billing"])
    type: Literal["secret-manager"]
    description: str | None
    environments: list[EnvironmentInProject]
    source: SourceOut
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, project: Project, seen: Seen) -> Self:
        link = None if project.is_kept_here else link_of(project)
        return cls(
            id=project.id,
            name=project.name,
            slug=project.slug,
            type="secret-manager",
            description=project.description or None,
            environments=_environments(project, link, seen),
            source=SourceOut.of(project, link, seen),
            created_at=project.created_at,
            updated_at=project.updated_at,
        )


def _environments(project: Project, link: LinkedProject | None, seen: Seen) -> list[EnvironmentInProject]:
    """Of a project that is kept elsewhere, as its source last told of them."""
    if link is None:
        return [EnvironmentInProject.of(each) for each in seen.environments(project, project.environments.all())]
    entries = [EnvironmentEntry(**entry) for entry in link.environments]
    return [EnvironmentInProject.told(entry, project.pk) for entry in seen.environments(project, entries)]


class OneProject(Answer):
    project: ProjectOut


class ManyProjects(Answer):
    projects: list[ProjectOut]


class OneWorkspace(Answer):
    workspace: ProjectOut


class EditedWorkspace(OneWorkspace):
    message: str = Field(examples=["Successfully updated workspace"])


class ManyWorkspaces(Answer):
    workspaces: list[ProjectOut]


class OneEnvironment(Answer):
    environment: EnvironmentOut


class ManyEnvironments(Answer):
    environments: list[EnvironmentOut]


class EnvironmentBySlug(EnvironmentOut):
    """The environment, and once more under its name, as the other routes have it."""

    environment: EnvironmentOut


class EditedEnvironment(Answer):
    message: str = Field(examples=["Successfully created new environment"])
    workspace: UUID = Field(examples=[EXAMPLE_ID])
    environment: EnvironmentOut
