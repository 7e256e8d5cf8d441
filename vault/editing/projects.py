"""Creating, renaming and deleting projects."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from vault.access import Place, place_of
from vault.editing.actor import Actor
from vault.editing.change import changing
from vault.editing.environments import make_environment
from vault.editing.telling import tell_users
from vault.errors import InUse, Taken
from vault.models import VAULT, Folder, Project, TrashedRow
from vault.rules import clean_description, clean_name, clean_slug

DEFAULT_ENVIRONMENTS = (("Development", "dev"), ("Staging", "staging"), ("Production", "prod"))


def create_project(
    *,
    name: str,
    slug: str = "",
    description: str = "",
    environments: Sequence[tuple[str, str]] = DEFAULT_ENVIRONMENTS,
    id: UUID | None = None,
    source: str = VAULT,
    by: Actor,
) -> Project:
    """Makes a project with its environments, given as (name, slug); without a slug, the name makes one.

    One whose `source` is another than the vault has none here, and may bring the `id` that it has there.
    """
    by.demand("vault.add_project", Place())
    project = Project(
        id=id or uuid4(),
        name=clean_name(name),
        slug=clean_slug(slug or slugify(name)),
        description=clean_description(description),
        source=source,
    )
    with transaction.atomic():
        _check_slug_is_free(project)
        project.save(force_insert=True)
        for position, (environment_name, environment_slug) in enumerate(environments, start=1):
            make_environment(project, name=environment_name, slug=environment_slug, position=position)
    return project


def update_project(
    project: Project,
    *,
    name: str | None = None,
    slug: str | None = None,
    description: str | None = None,
    by: Actor,
) -> Project:
    """Changes what is given. References name environments, not projects, so nothing that is read changes."""
    by.demand("vault.change_project", place_of(project))
    if name is not None:
        project.name = clean_name(name)
    if slug is not None:
        project.slug = clean_slug(slug)
    if description is not None:
        project.description = clean_description(description)
    with changing(project.id, by, contents=False):
        _check_slug_is_free(project)
        project.save(update_fields=["name", "slug", "description", "updated_at"])
    return project


def delete_project(project: Project, *, by: Actor) -> None:
    """For good, with what is in its trash."""
    by.demand("vault.delete_project", place_of(project))
    with changing(project.id, by, contents=False) as change:
        change.remember([project])
        for folder_id in Folder.objects.filter(environment__project=project).values_list("id", flat=True):
            change.mark(folder_id)
        change.announce()
        TrashedRow.objects.filter(entry__project=project).delete()
        try:
            project.delete()
        except ProtectedError as error:
            users = tell_users(error.protected_objects, by)
            raise InUse(f"The project {project.name} is used by {users}. Delete these first.") from error


def _check_slug_is_free(project: Project) -> None:
    if Project.objects.filter(slug=project.slug).exclude(id=project.id).exists():
        raise Taken(f"There is a project “{project.slug}” already. Choose another slug.", field="slug")
