"""Projects with their environments. Infisical once called a project a workspace; its older routes still do."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.http.forms import Switch, WholeNumber
from api.resources.base import EXAMPLE_ID, Answer, Request, Timestamp, left_out
from api.resources.syncs.schemas import Description
from vault.models import Environment, Project

ProjectName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["Billing"])
]
Slug = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["billing"])
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


class UpdateProject(Request):
    name: ProjectName = left_out()
    description: Description | None = None
    slug: Slug = left_out()


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


class ProjectOut(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["Billing"])
    slug: str = Field(examples=["billing"])
    type: Literal["secret-manager"]
    description: str | None
    environments: list[EnvironmentInProject]
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, project: Project) -> Self:
        return cls(
            id=project.id,
            name=project.name,
            slug=project.slug,
            type="secret-manager",
            description=project.description or None,
            environments=[EnvironmentInProject.of(environment) for environment in project.environments.all()],
            created_at=project.created_at,
            updated_at=project.updated_at,
        )


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
