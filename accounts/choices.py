"""Groups and permissions as lists of boxes: what each of them lets people do stands beside it."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django import forms
from django.forms.models import ModelChoiceIterator
from django.utils.html import format_html

from accounts.roles import DESCRIPTIONS
from theme.widgets import Boxes


class GroupsField(forms.ModelMultipleChoiceField[Any]):
    widget = Boxes

    def label_from_instance(self, obj: Any) -> str:
        described = DESCRIPTIONS.get(obj.name, "")
        return format_html("<span><strong>{}</strong> {}</span>", obj.name, described)


class ByKind(ModelChoiceIterator):  # type: ignore[type-arg]
    """The permissions under a heading for each kind of thing that they are about."""

    def __iter__(self) -> Iterator[Any]:
        rows = self.queryset.select_related("content_type").order_by("content_type__app_label", "content_type", "pk")
        for kind, permissions in groupby(rows, key=lambda permission: permission.content_type):
            yield str(kind.name).capitalize(), [self.choice(permission) for permission in permissions]


class PermissionsField(forms.ModelMultipleChoiceField[Any]):
    widget = Boxes
    iterator = ByKind

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


FIELDS = {"groups": GroupsField, "user_permissions": PermissionsField, "permissions": PermissionsField}


def as_boxes(name: str) -> dict[str, Any]:
    """How the admin is told to show the field of that name."""
    field = FIELDS.get(name)
    return {"form_class": field, "widget": field.widget} if field else {}
