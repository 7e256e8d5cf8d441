"""Checks of the keys: whether they are keys, and whether every key that data was sealed with is there.

The second one reads the database, so it runs with `migrate`, with `check --database default`, and at the start of each
process by `require_known_keys`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection

from encryption.keyring import current_keyring
from encryption.registry import KeyedField, fingerprint_fields, sealed_fields

SAMPLE = 20


@checks.register(checks.Tags.security)
def check_keys(**_: Any) -> list[checks.CheckMessage]:
    try:
        current_keyring()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="encryption.E001")]
    return []


@checks.register(checks.Tags.database)
def check_key_ids(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    if not databases or check_keys():
        return []
    errors: list[checks.CheckMessage] = [
        checks.Error(
            f"{message}, which ENCRYPTION_KEYS lacks.",
            hint="Put that key into ENCRYPTION_KEYS again, after the newest one.",
            id="encryption.E002",
        )
        for message in _sealed_with_unknown_keys()
    ]
    return errors


def require_known_keys() -> None:
    """Refuse to start without a key that data was sealed with."""
    messages = list(_sealed_with_unknown_keys())
    if messages:
        raise ImproperlyConfigured(
            f"{'; '.join(messages)}, which ENCRYPTION_KEYS lacks. Put it in again, after the newest one."
        )


def unknown_key_ids() -> set[str]:
    """Of the keys that some rows are sealed with, those that are lacking. A few rows a table, however large."""
    used: set[str] = set()
    for field in sealed_fields():
        some = field.model._base_manager.order_by("-pk").values_list(field.name, flat=True)[:SAMPLE]
        used |= {token.split(".")[1] for token in some if token.count(".") == 2}
    return used - set(current_keyring().keys)


def key_ids_in_use() -> dict[str, int]:
    """How many tokens and fingerprints there are of each key."""
    return _counts((*sealed_fields(), *fingerprint_fields()))


def sealing_key_ids() -> dict[str, int]:
    """How many tokens there are of each key: those that nobody reads without it."""
    return _counts(sealed_fields())


def _counts(fields: Iterable[KeyedField]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for field in fields:
        for key_id, count in _count_by_key(field).items():
            counts[key_id] = counts.get(key_id, 0) + count
    return counts


def _sealed_with_unknown_keys() -> Iterator[str]:
    # Fingerprints of a lost key are no reason to refuse: they are made anew when next a sync runs.
    for field in sealed_fields():
        for key_id, count in sorted(_count_by_key(field).items()):
            if key_id not in current_keyring().keys:
                yield f"{count} of {field.label} are sealed with encryption key {key_id}"


def _count_by_key(field: KeyedField) -> dict[str, int]:
    """Nothing while the table or the column is not there yet, which is so before the first `migrate`."""
    if field.model._meta.db_table not in connection.introspection.table_names():
        return {}
    try:
        return field.count_by_key()
    except DatabaseError:
        return {}
