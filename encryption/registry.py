"""Which fields of which models hold sealed tokens or fingerprints, so that rotation and checks find every one.

An app registers its fields when it is ready: `register_sealed(Secret, "sealed_value", context=...)`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Model, QuerySet
from django.db.models.functions import Substr

from encryption.sealing import KEY_ID_LENGTH, VERSION


@dataclass(frozen=True)
class KeyedField:
    """One column of tokens or fingerprints; empty where there is none."""

    model: type[Model]
    name: str

    # Where the key id begins, counted from 1: a fingerprint begins with it.
    key_id_at = 1

    @property
    def label(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    def rows(self) -> QuerySet[Any]:
        """The rows that hold something, each with its `key_id`."""
        rows: QuerySet[Any] = self.model._base_manager.exclude(**{self.name: ""})
        keyed: QuerySet[Any] = rows.annotate(key_id=Substr(F(self.name), self.key_id_at, KEY_ID_LENGTH))
        return keyed

    def count_by_key(self) -> dict[str, int]:
        counts = self.rows().order_by().values("key_id").annotate(count=Count("pk"))
        return {row["key_id"]: row["count"] for row in counts}


@dataclass(frozen=True)
class SealedField(KeyedField):
    """One column of tokens. `context` tells for a row what its token is bound to, by a row `beside` it if need be."""

    context: Callable[[Any], str]
    beside: str = ""

    key_id_at = len(VERSION) + 2

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related(self.beside) if self.beside else super().rows()


_fields: dict[str, KeyedField] = {}


def register_sealed(model: type[Model], field: str, context: Callable[[Any], str], *, beside: str = "") -> None:
    """Make known that `field` of `model` holds tokens, or is empty."""
    _register(SealedField(model, field, context, beside))


def register_fingerprints(model: type[Model], field: str) -> None:
    """Make known that `field` of `model` holds fingerprints, or is empty."""
    _register(KeyedField(model, field))


def sealed_fields() -> Iterator[SealedField]:
    yield from (field for field in list(_fields.values()) if isinstance(field, SealedField))


def fingerprint_fields() -> Iterator[KeyedField]:
    yield from (field for field in list(_fields.values()) if not isinstance(field, SealedField))


def _register(field: KeyedField) -> None:
    _fields[field.label] = field
