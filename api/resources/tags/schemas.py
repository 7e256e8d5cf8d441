"""Tags, as Infisical spells them: `tag` in its newer routes, `workspaceTag` in its older ones."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.resources.base import EXAMPLE_ID, Answer, Request, Timestamp, left_out
from vault.models import Tag

Slug = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Field(examples=["critical"])
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]


class CreateTag(Request):
    slug: Slug
    name: Text = ""
    color: Text = Field("", examples=["#ff5500"])


class UpdateTag(Request):
    slug: Slug = left_out()
    name: Text = left_out()
    color: Text = left_out()


class TagInSecret(Answer):
    id: UUID = Field(examples=[EXAMPLE_ID])
    slug: str = Field(examples=["critical"])
    name: str = Field(examples=["Critical"])
    color: str = Field(examples=["#ff5500"])

    @classmethod
    def of(cls, tag: Tag) -> Self:
        return cls(**_fields(tag))


class TagOut(TagInSecret):
    project_id: UUID = Field(examples=[EXAMPLE_ID])
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, tag: Tag) -> Self:
        return cls(**_fields(tag), project_id=tag.project_id, created_at=tag.created_at, updated_at=tag.updated_at)


def _fields(tag: Tag) -> dict[str, Any]:
    """Where there is no name, the slug stands for it, as in Infisical."""
    return {"id": tag.id, "slug": tag.slug, "name": tag.name or tag.slug, "color": tag.color}


class OneTag(Answer):
    tag: TagOut
    workspace_tag: TagOut = Field(description="The same, as the older routes have it.")

    @classmethod
    def of(cls, tag: Tag) -> Self:
        return cls(tag=TagOut.of(tag), workspace_tag=TagOut.of(tag))


class ManyTags(Answer):
    tags: list[TagOut]
    workspace_tags: list[TagOut] = Field(description="The same, as the older routes have it.")
