"""Which organizations the sandbox has, and which API keys open them."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.audit import Actor
from sandbox.organization import Listener, Organization

DEFAULT_ORGANIZATION = "org-sandbox"
DEFAULT_KEY = "cog_sandbox"
MANAGE_SECRETS, MANAGE_ORGANIZATIONS = "ManageOrgSecrets", "ManageOrganizations"
MANAGE_ENTERPRISE, MANAGE_SERVICE_USERS = "ManageEnterpriseSettings", "ManageAccountServiceUsers"


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """Scoped to one organization, or enterprise-wide where `org_id` is None. Times are Unix seconds.

    Several may be of one `service_user`; without one it is of a service user that has no other.
    """

    # Empty after a restart, which keeps its digest alone.
    token: str = field(default="", repr=False)
    sha256: str = ""
    name: str = "Sandbox service user"
    org_id: str | None = DEFAULT_ORGANIZATION
    permissions: frozenset[str] = frozenset({MANAGE_SECRETS})
    principal_type: str = "service_user"
    service_user: str = ""
    key_name: str = "Sandbox"
    created_at: int = field(default_factory=lambda: int(time.time()), compare=False)
    expires_at: int | None = None
    revoked_at: int | None = None
    # The service user's own, which ends all its keys.
    user_expires_at: int | None = None

    @property
    def has_expired(self) -> bool:
        return any(at is not None and at <= time.time() for at in (self.expires_at, self.user_expires_at))

    @property
    def is_active(self) -> bool:
        return self.revoked_at is None and not self.has_expired

    @property
    def digest(self) -> str:
        return self.sha256 or digest_of(self.token)

    @property
    def key_id(self) -> str:
        return f"api-key-{self.digest[:12]}"

    @property
    def principal_id(self) -> str:
        return self.service_user or f"{self.principal_type.replace('_', '-')}-{self.digest[:12]}"

    @property
    def manages_service_users(self) -> bool:
        return self.org_id is None and MANAGE_SERVICE_USERS in self.permissions

    def reaches(self, org_id: str) -> bool:
        return MANAGE_SECRETS in self.permissions and self.org_id in (None, org_id)

    @property
    def lists_organizations(self) -> bool:
        return self.org_id is None and MANAGE_ORGANIZATIONS in self.permissions

    def reads_audit_log(self, org_id: str | None) -> bool:
        """Of one organization, or of the whole enterprise."""
        return MANAGE_ENTERPRISE in self.permissions and self.org_id in (None, org_id)

    @property
    def actor(self) -> Actor:
        if self.principal_type == "service_user":
            return Actor(service_user_id=self.principal_id, service_user_name=self.name)
        return Actor(user_id=self.principal_id, user_email=self.name)

    def as_self(self) -> dict[str, object]:
        """The answer of `GET /v3/self`."""
        kind = "service_user" if self.principal_type == "service_user" else "user"
        return {
            "principal_type": self.principal_type,
            f"{kind}_id": self.principal_id,
            f"{kind}_name": self.name,
            "org_id": self.org_id,
        }


class Directory:
    def __init__(
        self,
        listener: Listener | None = None,
        *,
        on_founded: Callable[[Organization], None] | None = None,
        on_key: Callable[[ApiKey], None] | None = None,
    ) -> None:
        """`on_founded` hears of each new organization, `listener` of what its secrets become, `on_key` of what the
        API's routes make of keys."""
        self._lock = threading.Lock()
        self._listener = listener
        self._on_founded = on_founded
        self._organizations: dict[str, Organization] = {}
        self._on_key = on_key
        # By the digest of their token.
        self._keys: dict[str, ApiKey] = {}
        self._used: dict[str, int] = {}
        self.declare_defaults()

    def declare_defaults(self) -> None:
        """As they are at the start, whatever became of them."""
        self.declare_organization(DEFAULT_ORGANIZATION, "Sandbox")
        self.declare_key(DEFAULT_KEY)

    def declare_organization(self, org_id: str, name: str = "") -> Organization:
        """The organization, made if it is not there yet."""
        with self._lock:
            found = self._organizations.get(org_id)
            if found is None:
                found = Organization(org_id, name, listener=self._listener)
                self._organizations[org_id] = found
                if self._on_founded:
                    self._on_founded(found)
            return found

    def declare_key(self, token: str, *, permissions: Iterable[str] = (MANAGE_SECRETS,), **fields: Any) -> ApiKey:
        """Add a key, or give an existing one other rights."""
        key = ApiKey(token=token, permissions=frozenset(permissions), **fields)
        self._keys[key.digest] = key
        return key

    def make_key(self, like: ApiKey, *, name: str, expires_at: int | None = None) -> ApiKey:
        """One more of the service user that this one is of."""
        of = like.principal_id
        key = replace(
            like,
            token=f"cog_{secrets.token_urlsafe(32)}",
            sha256="",
            service_user=of,
            key_name=name,
            created_at=int(time.time()),
            expires_at=expires_at,
            revoked_at=None,
        )
        self.keep_key(key)
        return key

    def keep_key(self, key: ApiKey) -> None:
        """As it is from now on, over a restart too."""
        with self._lock:
            self._keys[key.digest] = key
            if self._on_key:
                self._on_key(key)

    def restore_key(self, key: ApiKey) -> None:
        self._keys[key.digest] = key

    def revoke_key(self, token: str) -> None:
        if (key := self._keys.get(digest_of(token))) is not None:
            self.revoke(key)

    def revoke(self, key: ApiKey) -> ApiKey:
        revoked = replace(key, revoked_at=key.revoked_at or int(time.time()))
        self.keep_key(revoked)
        return revoked

    def expire(self, key: ApiKey, *, at: int) -> None:
        self.keep_key(replace(key, expires_at=at))

    def change_service_user(self, service_user_id: str, **fields: Any) -> None:
        """Other `permissions`, another `user_expires_at`: of all its keys, those of later too."""
        for key in self.keys_of(service_user_id):
            self.keep_key(replace(key, **fields))

    def key_for(self, token: str) -> ApiKey | None:
        """None for one that is revoked, too."""
        key = self._keys.get(digest_of(token))
        return key if key is not None and key.revoked_at is None else None

    def knows_key(self, token: str) -> bool:
        """Whether it has ever been one."""
        return digest_of(token) in self._keys

    def note_use(self, token: str) -> None:
        self._used[digest_of(token)] = int(time.time())

    def last_used_at(self, key: ApiKey) -> int | None:
        return self._used.get(key.digest)

    def all_keys(self) -> list[ApiKey]:
        with self._lock:
            return list(self._keys.values())

    def keys_of(self, service_user_id: str) -> list[ApiKey]:
        """The oldest first; a person's are none."""
        found = [key for key in self.all_keys() if key.principal_id == service_user_id]
        return [key for key in found if key.principal_type == "service_user"]

    def find(self, org_id: str) -> Organization | None:
        return self._organizations.get(org_id)

    def organizations(self) -> list[Organization]:
        with self._lock:
            return list(self._organizations.values())

    def reset(self) -> None:
        """Empty every organization; those declared stay, as do the keys, the default one with its usual rights."""
        for organization in self.organizations():
            organization.clear()
        self.declare_defaults()
