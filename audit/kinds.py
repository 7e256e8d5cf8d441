"""What the log tells of each kind of row: which of its fields, and where the row is. See `audit.registry`.

A field that is named here is written down before and after a change, where everybody who may read the log reads it: no
value, no credential, nothing sealed, no digest of one and no text that people write freely is among them: some paste
a password there, and no line can be taken back. Of those `hidden` says that they were replaced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Model

# The columns of a line that say where.
PLACE = ("project", "environment", "path", "key", "run")


@dataclass(frozen=True)
class Kind:
    """Fields by the words that a reader knows them by, each with where it is, as `QuerySet.values` takes it."""

    model: type[Model]
    fields: Mapping[str, str] = field(default_factory=dict)
    # Of these, as of a secret's value, only the number: "version 3".
    versions: Mapping[str, str] = field(default_factory=dict)
    # Of these only that they were set, replaced or removed.
    hidden: Mapping[str, str] = field(default_factory=dict)
    # Many-to-many relations, by what names a row at the other end.
    many: Mapping[str, str] = field(default_factory=dict)
    place: Mapping[str, str] = field(default_factory=dict)
    # What routes call the id of such a row.
    arguments: Sequence[str] = ()

    @property
    def label(self) -> str:
        return self.model._meta.label_lower

    @cached_property
    def columns(self) -> frozenset[str]:
        """The model's own fields that any of this is read from."""
        lookups = [*self.fields.values(), *self.versions.values(), *self.hidden.values(), *self.place.values()]
        own = {self.model._meta.get_field(lookup.partition("__")[0]) for lookup in lookups if lookup != "pk"}
        return frozenset(name for each in own for name in (each.name, getattr(each, "attname", each.name)))


_kinds: dict[str, Kind] = {}
_left_out: set[str] = set()


def add(kind: Kind) -> None:
    _kinds[kind.label] = kind


def leave_out(model: type[Model]) -> None:
    _left_out.add(model._meta.label_lower)


def kind_of(model: type[Model] | None) -> Kind | None:
    if model is None:
        return None
    return _kinds.get(model._meta.label_lower) or _kinds.get(model._meta.concrete_model._meta.label_lower)  # type: ignore[union-attr]


def kind_named(argument: str) -> Kind | None:
    """Whose id an argument of a route is."""
    return next((kind for kind in _kinds.values() if argument in kind.arguments), None)


def kind_at(url_name: str) -> Kind | None:
    """Whose page a route of the admin is: `vault_secret_delete`."""
    names = url_name.split("_")
    return _kinds.get(".".join(names[:2])) if len(names) > 2 else None


def kinds() -> Sequence[Kind]:
    return list(_kinds.values())


def is_declared(model: type[Model]) -> bool:
    return model._meta.label_lower in _kinds or model._meta.label_lower in _left_out
