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
    """What reads these folders, as far as somebody sees it, and how many others there are."""
    return split_seen(readers_of(folders), user)


def split_users(projects: Sequence[Project], user: Any) -> tuple[list[Model], int]:
    """What keeps these projects from being deleted, in the same way."""
    return split_seen(_pointing_to(Project, projects), user)


def split_seen(every: Sequence[Model], user: Any) -> tuple[list[Model], int]:
    """Those that somebody sees, or all without one; and how many others there are."""
    if user is None:
        return list(every), 0
    models = {type(row) for row in every}
    seen = {pk for model in models for pk in _seen(user, _rows_of(model, every)).values_list("pk", flat=True)}
    shown = [row for row in every if row.pk in seen]
    return shown, len(every) - len(shown)


def _seen(user: Any, rows: "QuerySet[Model]") -> "QuerySet[Model]":
    """Those of what is at no place are for whoever may see all of their kind."""
    try:
        return visible(user, rows)
    except KeyError:
        meta = rows.model._meta
        return rows if user.has_perm(f"{meta.app_label}.view_{meta.model_name}") else rows.none()


def _rows_of(model: type[Model], rows: Sequence[Model]) -> "QuerySet[Model]":
    return model._base_manager.filter(pk__in=[row.pk for row in rows if isinstance(row, model)])


def _pointing_to(model: type[Model], rows: object) -> list[Model]:
    """Found by what Django knows of foreign keys."""
    found: list[Model] = []
    for relation in model._meta.get_fields():
        if isinstance(relation, ForeignObjectRel) and relation.related_model._meta.app_label != "vault":
            found += relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": rows})
    return found
