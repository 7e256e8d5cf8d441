"""`/api/v1/projects/{id}/tags`, and the older `/api/v1/workspace/{id}/tags`: words to find secrets by."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from ninja import Router

from api.auth.callers import Bearer, caller_of
from api.http.errors import NotFoundError
from api.http.foreseeing import foreseeable
from api.http.idempotency import idempotent
from api.resources import resource
from api.resources.actors import actor_of
from api.resources.audit import note_added, note_changed, note_deleted
from api.resources.base import with_errors
from api.resources.lookups import get_project
from api.resources.tags.schemas import CreateTag, ManyTags, OneTag, TagOut, UpdateTag
from vault import editing
from vault.models import Project, Tag

projects = resource("Tags")
workspaces = resource("Tags")

VIEW = "vault.view_tag"


def get_own(project: Project, **named: Any) -> Tag:
    tag = project.tags.filter(**named).first()
    if tag is None:
        raise NotFoundError(f"The project {project.slug} has no such tag.")
    return tag


def list_tags(request: HttpRequest, project_id: str) -> ManyTags:
    """The tags of a project, by slug."""
    project = get_project(caller_of(request), project_id, VIEW)
    tags = [TagOut.of(tag) for tag in project.tags.all()]
    return ManyTags(tags=tags, workspace_tags=tags)


@idempotent
def create_tag(request: HttpRequest, project_id: str, body: CreateTag) -> OneTag:
    """Adds a tag to a project."""
    caller = caller_of(request)
    project = get_project(caller, project_id, "vault.add_tag")
    with transaction.atomic():
        tag = editing.create_tag(project, body.slug, name=body.name, color=body.color, by=actor_of(caller))
        note_added(caller, tag)
    return OneTag.of(tag)


def get_tag_by_slug(request: HttpRequest, project_id: str, slug: str) -> OneTag:
    """A tag by its slug."""
    return OneTag.of(get_own(get_project(caller_of(request), project_id, VIEW), slug=slug))


def get_tag(request: HttpRequest, project_id: str, tag_id: UUID) -> OneTag:
    """A tag by its ID."""
    return OneTag.of(get_own(get_project(caller_of(request), project_id, VIEW), pk=tag_id))


def update_tag(request: HttpRequest, project_id: str, tag_id: UUID, body: UpdateTag) -> OneTag:
    """Changes what is sent."""
    caller = caller_of(request)
    tag = get_own(get_project(caller, project_id, "vault.change_tag"), pk=tag_id)
    with transaction.atomic():
        tag = editing.update_tag(tag, slug=body.slug, name=body.name, color=body.color, by=actor_of(caller))
        note_changed(caller, tag)
    return OneTag.of(tag)


def delete_tag(request: HttpRequest, project_id: str, tag_id: UUID) -> OneTag:
    """Deletes a tag, and takes it from all secrets that have it."""
    caller = caller_of(request)
    tag = get_own(get_project(caller, project_id, "vault.delete_tag"), pk=tag_id)
    answer = OneTag.of(tag)
    with transaction.atomic():
        note_deleted(caller, tag)
        editing.delete_tag(tag, by=actor_of(caller))
    return answer


ROUTES: tuple[tuple[str, str, str, Any, Any, tuple[int, ...]], ...] = (
    # method, path, permission, view, answer, further errors
    ("GET", "/{project_id}/tags", "view_tag", list_tags, ManyTags, ()),
    ("POST", "/{project_id}/tags", "add_tag", create_tag, OneTag, (409,)),
    ("GET", "/{project_id}/tags/slug/{slug}", "view_tag", get_tag_by_slug, OneTag, ()),
    ("GET", "/{project_id}/tags/{tag_id}", "view_tag", get_tag, OneTag, ()),
    ("PATCH", "/{project_id}/tags/{tag_id}", "change_tag", update_tag, OneTag, ()),
    ("DELETE", "/{project_id}/tags/{tag_id}", "delete_tag", delete_tag, OneTag, ()),
)


def add_routes(router: Router) -> None:
    for method, path, permission, view, answer, errors in ROUTES:
        answers = with_errors(answer, *errors)
        bearer = Bearer(f"vault.{permission}", by_place=True)
        answering = foreseeable(view) if method in ("PATCH", "DELETE") else view
        router.api_operation([method], path, auth=bearer, response=answers)(answering)


for each in (projects, workspaces):
    add_routes(each)
