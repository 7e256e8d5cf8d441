"""Query parameters that several routes share, in the spellings that clients use."""

from typing import Annotated

from ninja import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from api.resources.base import EXAMPLE_ID
from api.resources.lookups import choose_project
from vault.models import ROOT, Folder, Project
from vault.reading import find_folder

ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=64)]
PathText = Annotated[str, StringConstraints(max_length=1024), AfterValidator(lambda path: path.strip() or ROOT)]


class ProjectOrWorkspace(BaseModel):
    """A project by ID or slug, under its present or its former name."""

    model_config = ConfigDict(alias_generator=to_camel)

    project_id: ShortText | None = Field(None, description="The project's ID.", examples=[EXAMPLE_ID])
    workspace_id: ShortText | None = Field(None, description="Another spelling of projectId.")
    project_slug: ShortText | None = Field(None, description="The project's slug, instead of its ID.")
    workspace_slug: ShortText | None = Field(None, description="Another spelling of projectSlug.")

    def get_project(self) -> Project:
        return choose_project(self.project_id or self.workspace_id, self.project_slug or self.workspace_slug)


class FolderQuery(ProjectOrWorkspace):
    environment: Slug = Field(description="The environment's slug.", examples=["dev"])
    path: PathText = Field("/", description="The folder's path.", examples=["/my-secrets"])

    def get_folder(self) -> Folder:
        return find_folder(self.get_project(), self.environment, self.path)


class SecretQuery(ProjectOrWorkspace):
    environment: Slug = Field(description="The environment's slug.", examples=["dev"])
    secret_path: PathText = Field("/", description="The folder's path.", examples=["/my-secrets"])
    view_secret_value: bool = Field(True, description="false masks the values, for callers who may not read them.")
    expand_secret_references: bool | None = Field(
        None, description="Replace ${…} by what it stands for. Where it is not said: v4 does, v3 does not."
    )
    include_imports: bool | None = Field(
        None, description="Look at the folder's imports too. Where it is not said: v4 does, v3 does not."
    )
    include_imports_: bool | None = Field(None, alias="include_imports", description="An older spelling.")

    def get_folder(self) -> Folder:
        return find_folder(self.get_project(), self.environment, self.secret_path)

    def expands(self, *, default: bool) -> bool:
        return default if self.expand_secret_references is None else self.expand_secret_references

    def imports(self, *, default: bool) -> bool:
        said = [wish for wish in (self.include_imports, self.include_imports_) if wish is not None]
        return any(said) if said else default


InFolder = Annotated[FolderQuery, Query()]
OfSecrets = Annotated[SecretQuery, Query()]
Recursive = Annotated[bool, Query(False, description="With the folders below.")]
