"""Query parameters that several routes share, in the spellings that clients use."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from ninja import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from api.auth.callers import Caller
from api.http.errors import BadRequest, Unprocessable
from api.resources.base import EXAMPLE_ID
from api.resources.lookups import choose_project, get_folder
from vault.models import ROOT, Folder, Project, Secret

Row = TypeVar("Row", bound=Model)
YesNo = Literal["true", "false"]
OnlyPlan = Annotated[YesNo, Query("false", description="Save nothing: answer what the change would do.")]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=64)]
LongText = Annotated[str, StringConstraints(max_length=4096)]
PAIR = re.compile(r"key=([^,|]+),\s*value=([^|]*)")
MOST_PAIRS = 10


def _in_utc(at: datetime) -> datetime:
    """One without a time zone is UTC, as in answers."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("There is no such moment in UTC. Send one such as 2026-04-20T05:31:56Z.") from None


Moment = Annotated[datetime, AfterValidator(_in_utc)]
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
    directory: PathText | None = Field(None, description="An older spelling of path.")

    def get_folder(self, caller: Caller) -> Folder:
        paths = {path for path in (self.path, self.directory) if path not in (None, ROOT)}
        if len(paths) > 1:
            raise BadRequest("path and directory name two folders. Send one of them.")
        return get_folder(caller, self.get_project, self.environment, paths.pop() if paths else ROOT)


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
    tag_slugs: LongText | None = Field(None, description="Only secrets with one of these tags: a,b.")
    tag_slugs_: LongText | None = Field(None, alias="tag_slugs", description="An older spelling.")
    metadata_filter: LongText | None = Field(
        None, description="Only secrets with all of these pairs, at most 10: key=k1,value=v1|key=k2,value=v2."
    )
    include_personal_overrides: bool = Field(False, description="Accepted: there are no personal secrets here.")

    def get_folder(self, caller: Caller) -> Folder:
        return get_folder(caller, self.get_project, self.environment, self.secret_path)

    @property
    def filters(self) -> tuple[str, ...]:
        """What a list is narrowed by, as it was sent."""
        return tuple(text or "" for text in (self.tag_slugs, self.tag_slugs_, self.metadata_filter))

    def chosen(self, project_id: UUID) -> QuerySet[Secret] | None:
        """The secrets that the filters leave; None without any. What is not searched for is never opened."""
        if not any(self.filters):
            return None
        rows = Secret.objects.filter(folder__environment__project_id=project_id).order_by()
        for slugs in filter(None, (self.tag_slugs, self.tag_slugs_)):
            rows = rows.filter(tags__slug__in=[slug.strip() for slug in slugs.split(",")])
        for key, value in read_metadata_filter(self.metadata_filter or ""):
            rows = rows.filter(metadata__key=key, metadata__value=value, metadata__sealed_value="")
        return rows.distinct()

    def expands(self, *, default: bool) -> bool:
        return default if self.expand_secret_references is None else self.expand_secret_references

    def imports(self, *, default: bool) -> bool:
        said = [wish for wish in (self.include_imports, self.include_imports_) if wish is not None]
        return any(said) if said else default


def read_metadata_filter(text: str) -> list[tuple[str, str]]:
    pairs = [PAIR.fullmatch(part.strip()) for part in text.split("|") if part.strip()]
    if len(pairs) > MOST_PAIRS or not all(pairs):
        raise Unprocessable.at(
            "metadataFilter", message="Send at most 10 pairs such as key=team,value=billing, with | between."
        )
    return [(pair[1].strip(), pair[2].strip()) for pair in pairs if pair]


InFolder = Annotated[FolderQuery, Query()]
OfSecrets = Annotated[SecretQuery, Query()]
Recursive = Annotated[bool, Query(False, description="With the folders below.")]
ListLimit = Annotated[int | None, Query(None, ge=1, le=1000, description="So many at most; without it, all.")]
Offset = Annotated[int, Query(0, ge=0, le=100_000)]


def page_of(rows: QuerySet[Row], limit: int | None, offset: int) -> QuerySet[Row]:
    return rows[offset : None if limit is None else offset + limit]
