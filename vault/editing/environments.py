"""Creating, renaming, ordering and deleting the environments of a project."""

from django.db.models import Max
from django.utils.text import slugify

from vault.access import Place, place_of
from vault.editing.actor import Actor
from vault.editing.change import Change, changing
from vault.editing.imports import check_not_imported
from vault.editing.members import check_slug_gives_no_more
from vault.editing.rights import check_slug_may_change
from vault.editing.seals import make_folder
from vault.editing.trash import delete_tree
from vault.errors import Invalid, Taken
from vault.models import ROOT, Environment, Folder, Project
from vault.rules import clean_name, clean_slug

LAST_POSITION = 10_000


def create_environment(
    project: Project, *, name: str, slug: str = "", position: int | None = None, by: Actor
) -> Environment:
    by.demand("vault.add_environment", Place(project.id))
    with changing(project.id, by):
        if position is None:
            last = project.environments.aggregate(last=Max("position"))["last"] or 0
            position = min(last + 1, LAST_POSITION)
        return make_environment(project, name=name, slug=slug, position=position)


def make_environment(project: Project, *, name: str, slug: str, position: int) -> Environment:
    """The row and its root folder, for callers that hold the transaction."""
    environment = Environment(
        project=project,
        name=clean_name(name),
        slug=clean_slug(slug or slugify(name)),
        position=_clean_position(position),
    )
    _check_slug_is_free(environment)
    environment.save(force_insert=True)
    make_folder(environment, path=ROOT)
    return environment


def update_environment(
    environment: Environment,
    *,
    name: str | None = None,
    slug: str | None = None,
    position: int | None = None,
    by: Actor,
) -> Environment:
    """Changes what is given. A new slug cuts references by the old one, and those who read it are told."""
    by.demand("vault.change_environment", place_of(environment))
    if name is not None:
        environment.name = clean_name(name)
    if position is not None:
        environment.position = _clean_position(position)
    with changing(environment.project_id, by) as change:
        if slug is not None and clean_slug(slug) != environment.slug:
            # A right in an environment is one in its slug: who has it in this one alone could take another's.
            by.demand("vault.change_environment", Place(environment.project_id))
        if slug is not None and clean_slug(slug) != environment.slug:
            check_slug_may_change(environment, by=by)
            check_slug_gives_no_more(environment, clean_slug(slug), by=by)
            _mark_all(change, environment)
            change.settle()
            change.seals.hold(environment.folders.select_related("environment"))
            environment.slug = clean_slug(slug)
            _check_slug_is_free(environment)
        environment.save(update_fields=["name", "slug", "position", "updated_at"])
    return environment


def delete_environment(environment: Environment, *, by: Actor) -> None:
    """Moves it to the trash with all that it holds; refused while another environment imports one of its folders."""
    by.demand("vault.delete_environment", place_of(environment))
    with changing(environment.project_id, by) as change:
        folders = Folder.objects.filter(environment=environment)
        check_not_imported(folders, name=f"The environment {environment.slug}", by=by)
        change.remember([environment])
        _mark_all(change, environment)
        change.announce()
        delete_tree(change, environment, folders)


def _mark_all(change: Change, environment: Environment) -> None:
    for folder_id in environment.folders.values_list("id", flat=True):
        change.mark(folder_id)


def _check_slug_is_free(environment: Environment) -> None:
    others = Environment.objects.filter(project_id=environment.project_id, slug=environment.slug)
    if others.exclude(id=environment.id).exists():
        raise Taken(f"This project has an environment “{environment.slug}” already. Choose another slug.", field="slug")


def _clean_position(position: int) -> int:
    if not 0 <= position <= LAST_POSITION:
        raise Invalid(f"The position is a number from 0 to {LAST_POSITION:,}.", field="position")
    return position
