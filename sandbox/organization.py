"""An organization of the sandbox and its secrets: state and its rules, no HTTP.

Values are remembered so that tests can compare them, and leave only through `Organization.values` and their digests.
"""

import hashlib
import itertools
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sandbox.audit import CREATED, DELETED, STRANGER, UPDATED, Actor, AuditLog


class Duplicates(StrEnum):
    """What a create with a taken key gets; the real API's way is not documented."""

    REJECT_409 = "reject409"
    REJECT_422 = "reject422"
    ALLOW = "allow"
    OVERWRITE = "overwrite"


class KeyTaken(Exception):
    """Another secret of the organization has this key."""


class ValueRefused(Exception):
    """The organization was told to refuse values for this key."""


class SecretMissing(Exception):
    """There is no secret with this id."""


@dataclass(frozen=True, kw_only=True)
class Secret:
    secret_id: str
    key: str | None
    note: str | None
    secret_type: str = "key-value"  # noqa: S105
    access_type: str = "org"
    is_sensitive: bool = True
    created_by: str = "stranger"
    created_at: int = field(default_factory=lambda: int(time.time()))
    updated_by: str | None = None
    updated_at: int | None = None
    position: int = 0
    sha256: str = ""
    # None after a restart: the data file keeps digests only.
    value: str | None = field(default=None, repr=False, compare=False)

    def as_item(self) -> dict[str, object]:
        """The item as the API answers it: everything but the value."""
        return {
            "secret_id": self.secret_id,
            "key": self.key,
            "note": self.note,
            "is_sensitive": self.is_sensitive,
            "created_by": self.created_by,
            "created_at": self.created_at,
            "updated_by": self.updated_by,
            "updated_at": self.updated_at,
            "secret_type": self.secret_type,
            "access_type": self.access_type,
        }


Listener = Callable[["Organization", str, Secret], None]


class Organization:
    """Thread-safe. `listener` hears of each change as ("put" or "removed", secret), under the lock and in order."""

    def __init__(self, org_id: str, name: str = "", *, listener: Listener | None = None) -> None:
        self.org_id = org_id
        self.name = name or org_id
        self.created_at = int(time.time())
        self.lock = threading.RLock()
        self.listener = listener
        self.audit_log = AuditLog(org_id)
        self._secrets: dict[str, Secret] = {}
        self._ids_by_key: dict[str | None, dict[str, None]] = {}
        self._positions = itertools.count(1)
        self._refused_keys: set[str] = set()

    def create(
        self,
        *,
        key: str,
        value: str,
        note: str | None = None,
        secret_type: str = "key-value",  # noqa: S107
        is_sensitive: bool = True,
        by: str = "stranger",
        actor: Actor = STRANGER,
        duplicates: Duplicates = Duplicates.REJECT_409,
    ) -> Secret:
        """Add a secret by the API's rules; a personal one of the same key does not count."""
        with self.lock:
            if key in self._refused_keys:
                raise ValueRefused(key)
            taken = [secret for secret in self.with_key(key) if secret.access_type == "org"]
            if taken and duplicates in (Duplicates.REJECT_409, Duplicates.REJECT_422):
                raise KeyTaken(key)
            if duplicates is Duplicates.OVERWRITE:
                for secret in taken:
                    self.delete(secret.secret_id, actor=actor)
            return self.put(
                key=key,
                value=value,
                note=note,
                actor=actor,
                secret_type=secret_type,
                is_sensitive=is_sensitive,
                created_by=by,
            )

    def put(
        self,
        *,
        key: str | None,
        value: str = "",
        note: str | None = None,
        actor: Actor = STRANGER,
        **fields: object,
    ) -> Secret:
        """Place a secret past every rule, as another person or tool of the organization may have done."""
        given = {"secret_id": f"secret-{secrets.token_hex(12)}", **fields}
        with self.lock:
            secret = self.restore(Secret(key=key, value=value, note=note, sha256=digest(value), **given))  # type: ignore[arg-type]
            self._record(CREATED, secret, actor)
            return secret

    def restore(self, secret: Secret) -> Secret:
        with self.lock:
            if (old := self._secrets.pop(secret.secret_id, None)) is not None:
                self._forget_key(old)
            secret = replace(secret, position=next(self._positions))
            self._secrets[secret.secret_id] = secret
            self._ids_by_key.setdefault(secret.key, {})[secret.secret_id] = None
            self._tell("put", secret)
            return secret

    def change(self, secret_id: str, *, actor: Actor = STRANGER, **fields: object) -> Secret:
        """Change a secret behind everyone's back; `updated_at` moves unless it is given."""
        with self.lock:
            old = self.get(secret_id)
            fields.setdefault("updated_at", max(int(time.time()), (old.updated_at or old.created_at) + 1))
            if isinstance(value := fields.get("value"), str):
                fields["sha256"] = digest(value)
            new = replace(old, **fields)  # type: ignore[arg-type]
            self._forget_key(old)
            self._ids_by_key.setdefault(new.key, {})[secret_id] = None
            self._secrets[secret_id] = new
            self._tell("put", new)
            self._record(UPDATED, new, actor)
            return new

    def delete(self, secret_id: str, *, actor: Actor = STRANGER) -> Secret:
        with self.lock:
            secret = self.get(secret_id)
            del self._secrets[secret_id]
            self._forget_key(secret)
            self._tell("removed", secret)
            self._record(DELETED, secret, actor)
            return secret

    def clear(self) -> None:
        with self.lock:
            for secret_id in list(self._secrets):
                self.delete(secret_id)
            self._refused_keys.clear()
            self.audit_log.clear()

    def get(self, secret_id: str) -> Secret:
        try:
            return self._secrets[secret_id]
        except KeyError:
            raise SecretMissing(secret_id) from None

    def with_key(self, key: str) -> list[Secret]:
        with self.lock:
            return [self._secrets[secret_id] for secret_id in self._ids_by_key.get(key, ())]

    def secrets(self) -> list[Secret]:
        """All of them, oldest first."""
        with self.lock:
            return list(self._secrets.values())

    def values(self) -> dict[str, str | None]:
        """Key to value of what the organization's sessions would see; a key that stands twice is an error."""
        found: dict[str, str | None] = {}
        for secret in self.secrets():
            if secret.key is None or secret.access_type != "org":
                continue
            if secret.key in found:
                raise AssertionError(f"{self.org_id} holds the key {secret.key} twice")
            found[secret.key] = secret.value
        return found

    def refuse_value(self, key: str) -> None:
        self._refused_keys.add(key)

    def accept_value(self, key: str) -> None:
        self._refused_keys.discard(key)

    def _forget_key(self, secret: Secret) -> None:
        ids = self._ids_by_key[secret.key]
        del ids[secret.secret_id]
        if not ids:
            del self._ids_by_key[secret.key]

    def _record(self, action: str, secret: Secret, actor: Actor) -> None:
        self.audit_log.record(action, actor, secret_id=secret.secret_id, key=secret.key)

    def _tell(self, event: str, secret: Secret) -> None:
        if self.listener is not None:
            self.listener(self, event, secret)


def digest(value: str) -> str:
    # JSON can spell half a surrogate pair, which plain UTF-8 cannot.
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
