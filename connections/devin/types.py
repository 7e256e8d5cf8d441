"""What the Devin API sends, parsed once into frozen dataclasses.

Unknown members and unknown words are let through: a new kind of secret is none of ours, not an error. A missing or
wrongly typed member, or one that no column could hold, is a `ValueError` that names the member and never what was in
it. What people elsewhere may choose freely (keys, notes, names) is made harmless instead, because one strange secret of
theirs must not keep the whole list from being read: in keys and names each character that cannot be seen, or that turns
round what stands beside it, is shown by its number. None of our own keys has such a character. Values of secrets are
not here: no route returns them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from common.visible import visible

# JSON's numbers are exact up to here in every language, and a column holds them.
LARGEST_NUMBER = 2**53
LONGEST_ID = 255
LONGEST_CURSOR = 4096
LONGEST_WORD = 32
# Keys of ours have at most 255 characters, so one that was cut is never taken for one of them.
LONGEST_KEY = 1024
LONGEST_NOTE = 64 * 1024
# Of whom an answer speaks, by the kinds of principals.
PRINCIPAL_IDS = ("service_user_id", "user_id")
# PostgreSQL holds no NUL, and half of a surrogate pair can be written nowhere.
UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Principal:
    """Who an API key is. `org_id` is empty unless the key belongs to one organization, `id` where Devin tells none."""

    principal_type: str
    name: str
    org_id: str
    # Told of most, and no part of what makes two alike; that of the API key is told of few.
    id: str = field(default="", compare=False)
    key_id: str = field(default="", compare=False)

    @classmethod
    def parse(cls, data: object) -> "Principal":
        members = mapping(data)
        kind = _harmless(required_text(members, "principal_type"))
        names = [members.get(f"{prefix}_name") for prefix in (kind, "user", "service_user")]
        names += [members.get(f"{kind}_id"), members.get("user_email"), members.get("user_id")]
        return cls(
            principal_type=kind,
            name=_harmless(next((name for name in names if isinstance(name, str) and name), "")),
            org_id=harmless_or_none(members, "org_id", LONGEST_ID) or "",
            id=next((found for name in PRINCIPAL_IDS if isinstance(found := members.get(name), str)), ""),
            key_id=found if isinstance(found := members.get("api_key_id"), str) else "",
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
        members = mapping(data)
        return cls(
            secret_id=required_id(members, "secret_id"),
            key=harmless_or_none(members, "key", LONGEST_KEY),
            note=_note(members, "note"),
            is_sensitive=bool(members.get("is_sensitive")),
            secret_type=_harmless(required_text(members, "secret_type"), LONGEST_WORD),
            access_type=_harmless(required_text(members, "access_type"), LONGEST_WORD),
            created_at=_whole_number(members, "created_at"),
            updated_at=seconds_or_none(members, "updated_at"),
        )


@dataclass(frozen=True)
class RemoteOrganization:
    """One organization of an enterprise."""

    org_id: str
    name: str

    @classmethod
    def parse(cls, data: object) -> "RemoteOrganization":
        members = mapping(data)
        return cls(org_id=required_id(members, "org_id"), name=harmless_or_none(members, "name", LONGEST_ID) or "")


Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list. `total` is None where the API does not count."""

    items: tuple[Item, ...]
    end_cursor: str | None
    has_next_page: bool
    total: int | None

    @classmethod
    def parse(cls, data: object, parse_item: Callable[[object], Item]) -> Self:
        members = mapping(data)
        items, has_next_page = members.get("items"), members.get("has_next_page")
        if not isinstance(items, list) or not isinstance(has_next_page, bool):
            raise ValueError("items or has_next_page")
        return cls(
            items=tuple(parse_item(item) for item in items),
            end_cursor=_id_or_none(members, "end_cursor", LONGEST_CURSOR),
            has_next_page=has_next_page,
            total=None if members.get("total") is None else _whole_number(members, "total"),
        )


def mapping(data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ValueError("the outermost object")
    return data


def required_text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return value


def _text_or_none(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(name)
    return value


def required_id(members: Mapping[str, Any], name: str) -> str:
    """A text that is sent back, so it is taken as it is or not at all."""
    required_text(members, name)
    return _id_or_none(members, name) or ""


def _id_or_none(members: Mapping[str, Any], name: str, longest: int = LONGEST_ID) -> str | None:
    value = _text_or_none(members, name)
    if value is not None and (len(value) > longest or UNWRITABLE.search(value)):
        raise ValueError(name)
    return value


def harmless_or_none(members: Mapping[str, Any], name: str, longest: int) -> str | None:
    value = _text_or_none(members, name)
    return None if value is None else _harmless(value, longest)


def _harmless(text: str, longest: int = LONGEST_ID) -> str:
    return visible(text[:longest])[:longest]


def _note(members: Mapping[str, Any], name: str) -> str | None:
    """A text of several lines that nobody is shown, so it is only made fit for a column."""
    value = _text_or_none(members, name)
    return None if value is None else UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", value[:LONGEST_NOTE])


def seconds_or_none(members: Mapping[str, Any], name: str) -> int | None:
    """A time in Unix seconds."""
    return None if members.get(name) is None else _whole_number(members, name)


def _whole_number(members: Mapping[str, Any], name: str) -> int:
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        raise ValueError(name)
    return value
