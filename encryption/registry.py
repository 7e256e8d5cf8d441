"""Which fields of which models hold sealed tokens, so that rotation and the start-up check find every one.

An app registers its fields when it is ready: `register_sealed(Secret, "sealed_value", context=...)`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model


@dataclass(frozen=True)
class SealedField:
    """One column of tokens. `context` tells for a row what its token is bound to."""

    model: type[Model]
    name: str
    context: Callable[[Any], str]

    @property
    def label(self) -> str:
        return f"{self.model._meta.label}.{self.name}"


_fields: dict[str, SealedField] = {}


def register_sealed(model: type[Model], field: str, context: Callable[[Any], str]) -> None:
    """Make known that `field` of `model` holds tokens, or is empty."""
    sealed_field = SealedField(model, field, context)
    _fields[sealed_field.label] = sealed_field


def sealed_fields() -> Iterable[SealedField]:
    return list(_fields.values())
