"""What goes with a user who is deleted, as Django collects it; the lines of their history are only counted."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import NestedObjects
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest


class Doomed(NestedObjects):
    def __init__(self, users: Iterable[User]) -> None:
        rows = list(users)
        self._lines = 0
        super().__init__(using=User.objects.db, origin=rows)
        self.collect(rows)

    def related_objects(self, related_model: type[Model], related_fields: Any, objs: Any) -> "QuerySet[Any]":
        rows: QuerySet[Any] = super().related_objects(related_model, related_fields, objs)
        if related_model is not LogEntry:
            return rows
        # Nothing hangs on them, and there may be thousands.
        self._lines += rows.count()
        return rows.none()

    def count(self) -> dict[str, int]:
        """By what they are called."""
        kinds = [(model, len(rows)) for model, rows in self._found()]
        kinds += [(LogEntry, self._lines)] if self._lines else []
        return {str(model._meta.verbose_name_plural): number for model, number in kinds}

    def name_forbidden(self, request: HttpRequest, site: AdminSite) -> set[str]:
        """The kinds of rows that the person who asks may not delete, of those that have pages here."""
        return {
            str(model._meta.verbose_name)
            for model, rows in self._found()
            if site.is_registered(model)
            and not all(site.get_model_admin(model).has_delete_permission(request, row) for row in rows)
        }

    def _found(self) -> list[tuple[Any, set[Any]]]:
        found: Any = self.model_objs
        return list(found.items())
