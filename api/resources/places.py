"""Where something is: a project, by any of the names that clients use, an environment and a path."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from api.auth.callers import Caller
from api.resources.base import EXAMPLE_ID, Request
from api.resources.lookups import choose_project, get_folder
from vault.access import place_of
from vault.models import ROOT, Folder, Project

Id = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64), Field(examples=[EXAMPLE_ID])]
Slug = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
Path = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=1024),
    AfterValidator(lambda path: path or ROOT),
    Field(examples=["/my-secrets"]),
]


class InProject(Request):
    project_id: Id | None = None
    workspace_id: Id | None = Field(None, description="Another spelling of projectId.")
    project_slug: Slug | None = Field(None, description="Instead of the ID.")
    workspace_slug: Slug | None = Field(None, description="Another spelling of projectSlug.")

    def get_project(self) -> Project:
        return choose_project(self.project_id or self.workspace_id, self.project_slug or self.workspace_slug)


class InEnvironment(InProject):
    environment: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["dev"])
    ]

    def folder_at(self, caller: Caller, path: str, *permissions: str) -> Folder:
        """For whoever sees it and has all of these there."""
        folder = get_folder(caller, self.get_project, self.environment, path)
        caller.require_at(place_of(folder), *permissions)
        return folder
