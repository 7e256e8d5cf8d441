"""The rows of other applications that point to what is in the vault, which knows none of them."""

from collections.abc import Sequence

from django.db.models import ForeignObjectRel, Model, QuerySet

from vault.models import Folder, Project


def readers_of(folders: QuerySet[Folder]) -> list[Model]:
    """What reads these folders."""
    return _pointing_to(Folder, folders)


def users_of_projects(projects: Sequence[Project]) -> list[Model]:
    """What keeps these projects from being deleted."""
    return _pointing_to(Project, projects)


def _pointing_to(model: type[Model], rows: object) -> list[Model]:
    """Found by what Django knows of foreign keys."""
    found: list[Model] = []
    for relation in model._meta.get_fields():
        if isinstance(relation, ForeignObjectRel) and relation.related_model._meta.app_label != "vault":
            found += relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": rows})
    return found
