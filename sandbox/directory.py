"""Which organizations the sandbox has, and which API keys open them."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sandbox.audit import Actor
from sandbox.organization import Listener, Organization

DEFAULT_ORGANIZATION = "org-sandbox"
DEFAULT_KEY = "cog_sandbox"
MANAGE_SECRETS, MANAGE_ORGANIZATIONS = "ManageOrgSecrets", "ManageOrganizations"
MANAGE_ENTERPRISE = "ManageEnterpriseSettings"


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """Scoped to one organization, or enterprise-wide where `org_id` is None."""

    token: str = field(repr=False)
    name: str = "Sandbox service user"
    org_id: str | None = DEFAULT_ORGANIZATION
    permissions: frozenset[str] = frozenset({MANAGE_SECRETS})
    principal_type: str = "service_user"
    expires_at: int | None = None  # Unix seconds

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= time.time()

    @property
    def principal_id(self) -> str:
        return f"{self.principal_type.replace('_', '-')}-{hashlib.sha256(self.token.encode()).hexdigest()[:12]}"

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
        self, listener: Listener | None = None, *, on_founded: Callable[[Organization], None] | None = None
    ) -> None:
        """`on_founded` hears of each new organization, `listener` of what its secrets become."""
        self._lock = threading.Lock()
        self._listener = listener
        self._on_founded = on_founded
        self._organizations: dict[str, Organization] = {}
        self._keys: dict[str, ApiKey] = {}
        self.declare_defaults()

    def declare_defaults(self) -> None:
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

    def declare_key(
        self,
        token: str,
        *,
        org_id: str | None = DEFAULT_ORGANIZATION,
        permissions: Iterable[str] = (MANAGE_SECRETS,),
        name: str = "Sandbox service user",
        principal_type: str = "service_user",
        expires_at: int | None = None,
    ) -> ApiKey:
        """Add a key, or give an existing one other rights."""
        key = ApiKey(
            token=token,
            name=name,
            org_id=org_id,
            permissions=frozenset(permissions),
            principal_type=principal_type,
            expires_at=expires_at,
        )
        self._keys[token] = key
        return key

    def revoke_key(self, token: str) -> None:
        self._keys.pop(token, None)

    def key_for(self, token: str) -> ApiKey | None:
        return self._keys.get(token)

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
