"""Folders of the vault."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.http.forms import Switch
from api.resources.base import EXAMPLE_ID, Answer, Timestamp
from api.resources.places import InEnvironment, Path
from api.resources.syncs.schemas import Description
from vault.models import Folder

FolderName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), Field(examples=["my-secrets"])
]


class FolderPlace(InEnvironment):
    path: Path = "/"
    directory: Path | None = Field(None, description="An older spelling of path.")

    @property
    def parent_path(self) -> str:
        return self.directory or self.path


class CreateFolder(FolderPlace):
    name: FolderName
    description: Description | None = None


class UpdateFolder(FolderPlace):
    name: FolderName
    description: Description | None = None


class DeleteFolder(FolderPlace):
    force_delete: Switch = Field(False, description="Accepted: a folder goes with what is in it either way.")


class FolderOut(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["my-secrets"])
    created_at: Timestamp
    updated_at: Timestamp
    env_id: UUID = Field(examples=[EXAMPLE_ID])
    version: int = Field(examples=[1])
    parent_id: UUID | None = Field(examples=[EXAMPLE_ID])
    is_reserved: bool
    description: str | None
    last_secret_modified: Timestamp | None

    @classmethod
    def of(cls, folder: Folder, *, last_modified: datetime | None, **extra: Any) -> Self:
        return cls(
            id=folder.id,
            name=folder.name or "root",
            created_at=folder.created_at,
            updated_at=folder.updated_at,
            env_id=folder.environment_id,
            version=folder.version,
            parent_id=folder.parent_id,
            is_reserved=False,
            description=folder.description or None,
            last_secret_modified=last_modified,
            **extra,
        )


class ListedFolder(FolderOut):
    relative_path: str = Field("", description="Only in recursive lists: where it is below the path asked for.")


class PlacedFolder(FolderOut):
    path: str = Field(examples=["/my-secrets"])


class FolderEnvironment(Answer):
    env_id: UUID = Field(examples=[EXAMPLE_ID])
    env_name: str = Field(examples=["Development"])
    env_slug: str = Field(examples=["dev"])


class FolderDetail(PlacedFolder):
    project_id: UUID = Field(examples=[EXAMPLE_ID])
    environment: FolderEnvironment


class OneFolder(Answer):
    folder: PlacedFolder


class OneFolderDetail(Answer):
    folder: FolderDetail


class ManyFolders(Answer):
    folders: list[ListedFolder]
