"""What the KV secrets engine keeps, of version 1 and 2: where its API has it, and what its answers mean. Pure.

A secret of KV is a map of keys, the same path may also have secrets below it, and a value may be any JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connections.openbao.answers import Number
from connections.openbao.paths import UNWRITABLE, quoted
from sources.errors import PlaceMissing, Untrustworthy

NOTHING_CHANGED = "Nothing is changed on the strength of such an answer. Look at it on the server, and sync again."


@dataclass(frozen=True)
class Mount:
    """Where a KV engine is mounted, without slashes at the ends, and which version it is."""

    path: str
    version: int

    def value_of(self, path: str) -> str:
        return self._at("data", path)

    def metadata_of(self, path: str) -> str:
        return self._at("metadata", path)

    def names_below(self, path: str) -> str:
        return self._at("metadata", f"{path}/" if path else "")

    def name(self, path: str) -> str:
        """As people write it."""
        return f"{self.path}/{path}" if path else self.path

    def _at(self, part: str, path: str) -> str:
        return quoted(f"{self.path}/{part}/{path}" if self.version == 2 else f"{self.path}/{path}")


@dataclass(frozen=True)
class State:
    """Of a secret in KV version 2: which version is current and since when, and whether it can be read."""

    version: int
    updated_time: str
    is_readable: bool


@dataclass(frozen=True)
class Value:
    """As text; `is_json` if it is none on the server."""

    text: str = field(repr=False)
    is_json: bool = False


def values_in(data: Mapping[str, Any], mount: Mount, path: str) -> dict[str, Value]:
    """The keys of a secret with their values. Raises SourceError."""
    where = mount.name(path)
    found = _current_version(data, where) if mount.version == 2 else data
    return {
        _key(key, where): Value(_text(value, key, where), not isinstance(value, str)) for key, value in found.items()
    }


def state_in(data: Mapping[str, Any], where: str) -> State:
    """From a secret's metadata. Raises Untrustworthy."""
    version, updated_time, versions = data.get("current_version"), data.get("updated_time"), data.get("versions")
    current = versions.get(str(version)) if isinstance(versions, dict) else None
    if not _is_count(version) or not isinstance(updated_time, str):
        raise _unusable(where, "its metadata does not say which version is current")
    # One that is to be deleted at a time that has been set changes without a trace in the metadata.
    is_readable = isinstance(current, dict) and current.get("destroyed") is False and current.get("deletion_time") == ""
    return State(int(version or 0), updated_time, is_readable)


def as_text(value: object) -> str:
    """Text as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else _as_json(value)


def _as_json(value: object) -> str:
    if isinstance(value, Number):
        return value.written
    if isinstance(value, dict):
        return "{" + ",".join(f"{_as_json(key)}:{_as_json(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _current_version(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    values, metadata = data.get("data"), data.get("metadata")
    if not isinstance(metadata, dict) or not _is_count(metadata.get("version")):
        raise _unusable(where, "the answer does not say which version it is")
    if metadata.get("destroyed") is not False or (values is None and metadata.get("deletion_time")):
        what = "destroyed" if metadata.get("destroyed") else "deleted"
        restore = "Enter a new one" if metadata.get("destroyed") else "Restore it or enter a new one"
        raise PlaceMissing(
            f"Could not read {where}: its latest version is {what}. {restore}; or, if it is to go for good, remove its "
            "metadata too (`bao kv metadata delete`, `vault kv metadata delete`)."
        )
    if not isinstance(values, dict):
        raise _unusable(where, "the answer has no map of keys")
    return values


def _key(key: str, where: str) -> str:
    if not key or UNWRITABLE.search(key):
        raise _unusable(where, "one of its keys is empty or has characters that cannot be seen")
    return key


def _text(value: object, key: str, where: str) -> str:
    if value is None:
        raise Untrustworthy(
            f"Could not read {where}: `{key}` is null, which is no value. Give it one on the server, or remove the key."
        )
    text = as_text(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _unusable(where, f"the value of `{key}` is no text") from None
    return text


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


def _unusable(where: str, what_was_wrong: str) -> Untrustworthy:
    return Untrustworthy(f"Could not read {where}: {what_was_wrong}. {NOTHING_CHANGED}")
