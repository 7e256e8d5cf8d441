"""How a sync's fields are called and explained: the model's words, for pages, commands and the API's document alike."""

from typing import Any

from django.db import models
from django.utils.text import capfirst

from syncs.models import DevinSync


def column(name: str) -> models.Field[Any, Any]:
    found = DevinSync._meta.get_field(name)
    assert isinstance(found, models.Field)  # noqa: S101 - a sync's own columns only, no relation to it
    return found


def label_of(name: str) -> str:
    return str(capfirst(str(column(name).verbose_name)))


def help_of(name: str) -> str:
    return str(column(name).help_text)


def told(sync: DevinSync, name: str) -> str:
    """The value of an option, for people."""
    value: object = getattr(sync, name)
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(getattr(sync, f"get_{name}_display", lambda: value)()).replace("\n", ", ")
