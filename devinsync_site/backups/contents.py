"""What is in a backup: every table of ours and Django's, but for those that mean nothing in another place or time."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.apps.registry import Apps
from django.db import models
from django.db.models import Field, Model
from django.utils.dateparse import parse_date, parse_datetime

# Who is logged in, what is counted against limits, and what was lent by others for minutes or hours.
LEFT_OUT = frozenset(
    {
        "accounts.session",
        "api.idempotencykey",
        "api.loginfailures",
        "api.requestcount",
        "audit.failedlogins",
        "axes.accessattempt",
        "axes.accessattemptexpiration",
        "connections.accesstoken",
        "connections.requestbudget",
        "metrics.total",
        "sessions.session",
    }
)


def kept_models(apps: Apps) -> list[type[Model]]:
    """In the order of their names, so that equal databases make equal files."""
    found = (model for model in apps.get_models(include_auto_created=True) if model._meta.managed)
    kept = (model for model in found if model._meta.label_lower not in LEFT_OUT and not model._meta.proxy)
    return sorted(kept, key=label_of)


def label_of(model: type[Model]) -> str:
    return model._meta.label_lower


def columns_of(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.local_concrete_fields]


def encode(row: Iterable[Any]) -> list[Any]:
    """What JSON has is left as it is, also what a JSONField holds; dates, times and ids become text."""
    return [
        value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, UUID) else value
        for value in row
    ]


def decode(field: "Field[Any, Any]", value: Any) -> Any:
    """What the column is given. Raises ValueError for what it can't hold."""
    if value is None or not isinstance(field, models.DateField):
        return value
    moment = parse_datetime(value) if isinstance(field, models.DateTimeField) else parse_date(value)
    if moment is None:
        raise ValueError("it is no time")
    return moment
