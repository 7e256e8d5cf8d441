"""Imports: a folder shows the secrets of another."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.http.forms import WholeNumber
from api.resources.base import EXAMPLE_ID, Answer, Request, Timestamp, left_out
from api.resources.places import InEnvironment, Path
from api.resources.projects.schemas import EnvironmentInProject
from vault.models import SecretImport

Slug = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["prod"])]


class ImportSource(Request):
    environment: Slug
    path: Path


class ImportChange(Request):
    environment: Slug = left_out()
    path: Path = left_out()
    position: WholeNumber = left_out(ge=1, le=10_000, description="Counted from 1; the last one wins.")


class ImportPlace(InEnvironment):
    path: Path = "/"


class CreateImport(ImportPlace):
    source: ImportSource = Field(alias="import")
    is_replication: Literal[False] | None = None


class UpdateImport(ImportPlace):
    change: ImportChange = Field(alias="import")


class ImportOut(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    version: int
    import_path: str = Field(examples=["/shared"])
    import_env: EnvironmentInProject
    position: int = Field(examples=[1])
    created_at: Timestamp
    updated_at: Timestamp
    folder_id: UUID = Field(examples=[EXAMPLE_ID])
    is_replication: bool
    is_replication_success: bool | None
    replication_status: str | None
    last_replicated: Timestamp | None

    @classmethod
    def of(cls, row: SecretImport) -> Self:
        return cls(
            id=row.id,
            version=1,
            import_path=row.source.path,
            import_env=EnvironmentInProject.of(row.source.environment),
            position=row.position,
            created_at=row.created_at,
            updated_at=row.created_at,
            folder_id=row.folder_id,
            is_replication=False,
            is_replication_success=None,
            replication_status=None,
            last_replicated=None,
        )


class OneImport(Answer):
    message: str = Field(examples=["Successfully created secret import"])
    secret_import: ImportOut


class ManyImports(Answer):
    message: str = Field(examples=["Successfully fetched secret imports"])
    secret_imports: list[ImportOut]
