"""What the Devin API sends, parsed once into frozen dataclasses.

Unknown members and unknown words are let through: a new kind of secret is none of ours, not an error. A missing or
wrongly typed member is a `ValueError` that names the member and never what was in it. Values of secrets are not here:
no route returns them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Principal:
    """Who an API key is. `org_id` is empty unless the key belongs to one organization."""

    principal_type: str
    name: str
    org_id: str

    @classmethod
    def parse(cls, data: object) -> "Principal":
        members = _mapping(data)
        kind = _text(members, "principal_type")
        names = [members.get(f"{prefix}_name") for prefix in (kind, "user", "service_user")]
        names += [members.get(f"{kind}_id"), members.get("user_email"), members.get("user_id")]
        return cls(
            principal_type=kind,
            name=next((name for name in names if isinstance(name, str) and name), ""),
            org_id=_text_or_none(members, "org_id") or "",
        )


@dataclass(frozen=True)
class RemoteSecret:
    """One secret of an organization, without its value. Times are Unix seconds."""

    secret_id: str
    key: str | None
    note: str | None
    is_sensitive: bool
    secret_type: str
    access_type: str
    created_at: int
    updated_at: int | None

    @property
    def modified_at(self) -> int:
        return self.updated_at or self.created_at

    @classmethod
    def parse(cls, data: object) -> "RemoteSecret":
        members = _mapping(data)
        updated_at = members.get("updated_at")
        return cls(
            secret_id=_text(members, "secret_id"),
            key=_text_or_none(members, "key"),
            note=_text_or_none(members, "note"),
            is_sensitive=bool(members.get("is_sensitive")),
            secret_type=_text(members, "secret_type"),
            access_type=_text(members, "access_type"),
            created_at=_whole_number(members, "created_at"),
            updated_at=None if updated_at is None else _whole_number(members, "updated_at"),
        )


@dataclass(frozen=True)
class SecretPage:
    """One page of a list. `total` is None where the API does not count."""

    items: tuple[RemoteSecret, ...]
    end_cursor: str | None
    has_next_page: bool
    total: int | None

    @classmethod
    def parse(cls, data: object) -> "SecretPage":
        members = _mapping(data)
        items, has_next_page = members.get("items"), members.get("has_next_page")
        if not isinstance(items, list) or not isinstance(has_next_page, bool):
            raise ValueError("items or has_next_page")
        return cls(
            items=tuple(RemoteSecret.parse(item) for item in items),
            end_cursor=_text_or_none(members, "end_cursor"),
            has_next_page=has_next_page,
            total=None if members.get("total") is None else _whole_number(members, "total"),
        )


def _mapping(data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ValueError("the outermost object")
    return data


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return value


def _text_or_none(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(name)
    return value


def _whole_number(members: Mapping[str, Any], name: str) -> int:
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(name)
    return value
