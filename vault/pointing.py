"""The rows of other applications that point to what is in the vault, which knows none of them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import ForeignObjectRel, Model, QuerySet

from vault.access import visible
from vault.models import Folder, Project


def readers_of(folders: QuerySet[Folder]) -> list[Model]:
    """What reads these folders."""
    return _pointing_to(Folder, folders)


def split_readers(folders: QuerySet[Folder], user: Any) -> tuple[list[Model], int]:
    """Those that somebody sees, or all without one; and how many others there are."""
    every = readers_of(folders)
    if user is None:
        return every, 0
    seen = {row.pk for model in {type(row) for row in every} for row in visible(user, _rows_of(model, every))}
    shown = [row for row in every if row.pk in seen]
    return shown, len(every) - len(shown)


def users_of_projects(projects: Sequence[Project]) -> list[Model]:
    """What keeps these projects from being deleted."""
    return _pointing_to(Project, projects)


def _rows_of(model: type[Model], rows: Sequence[Model]) -> "QuerySet[Model]":
    return model._base_manager.filter(pk__in=[row.pk for row in rows if isinstance(row, model)])


def _pointing_to(model: type[Model], rows: object) -> list[Model]:
    """Found by what Django knows of foreign keys."""
    found: list[Model] = []
    for relation in model._meta.get_fields():
        if isinstance(relation, ForeignObjectRel) and relation.related_model._meta.app_label != "vault":
            found += relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": rows})
    return found
