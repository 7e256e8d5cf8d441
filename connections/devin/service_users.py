"""The calls about a service user and its API keys, and what they answer.

Known from Cognition's documentation of its API. They take an enterprise key with the permission
ManageAccountServiceUsers, which few keys have: a refusal (403) says that this key is none, and nothing of the
connection. A token is told once, by the call that makes its key.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.core.exceptions import ValidationError

from connections.devin.answers import MANAGE_KEYS, Attempt
from connections.devin.errors import Refused
from connections.devin.lists import Listing
from connections.devin.paths import segment
from connections.devin.types import (
    LONGEST_ID,
    Item,
    harmless_or_none,
    mapping,
    required_id,
    required_text,
    seconds_or_none,
)
from connections.validation import clean_api_key

T = TypeVar("T")
ALREADY_REVOKED = 409


@dataclass(frozen=True)
class Role:
    """`org_id` is empty where it holds in the whole enterprise."""

    name: str
    org_id: str

    @classmethod
    def parse(cls, data: object) -> "Role":
        members = mapping(data)
        name = harmless_or_none(mapping(members.get("role")), "role_name", LONGEST_ID) or ""
        return cls(name=name, org_id=harmless_or_none(members, "org_id", LONGEST_ID) or "")


@dataclass(frozen=True)
class ServiceUser:
    """Times are Unix seconds."""

    service_user_id: str
    name: str
    expires_at: int | None
    deleted_at: int | None
    roles: tuple[Role, ...]

    @classmethod
    def parse(cls, data: object) -> "ServiceUser":
        members = mapping(data)
        roles = members.get("role_assignments")
        if not isinstance(roles, list):
            raise ValueError("role_assignments")
        return cls(
            service_user_id=required_id(members, "service_user_id"),
            name=harmless_or_none(members, "name", LONGEST_ID) or "",
            expires_at=seconds_or_none(members, "expires_at"),
            deleted_at=seconds_or_none(members, "deleted_at"),
            roles=tuple(Role.parse(each) for each in roles),
        )


@dataclass(frozen=True)
class ApiKey:
    """One of a service user's keys, without its token. Times are Unix seconds."""

    key_id: str
    # As it is, since a key of ours is known by it; others' may be anything.
    name: str
    created_at: int | None
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    is_active: bool

    @classmethod
    def parse(cls, data: object) -> "ApiKey":
        members = mapping(data)
        is_active = members.get("is_active")
        if not isinstance(is_active, bool):
            raise ValueError("is_active")
        return cls(
            key_id=required_id(members, "api_key_id"),
            name=harmless_or_none(members, "api_key_name", LONGEST_ID) or "",
            created_at=seconds_or_none(members, "created_at"),
            expires_at=seconds_or_none(members, "expires_at"),
            revoked_at=seconds_or_none(members, "revoked_at"),
            last_used_at=seconds_or_none(members, "last_used_at"),
            is_active=is_active,
        )


@dataclass(frozen=True)
class NewApiKey:
    key_id: str
    token: str = field(repr=False)

    @classmethod
    def parse(cls, data: object) -> "NewApiKey":
        members = mapping(data)
        try:
            token = clean_api_key(required_text(members, "token"))
        except ValidationError:
            raise ValueError("token") from None
        return cls(key_id=required_id(members, "api_key_id"), token=token)


class ServiceUserCalls(ABC):
    """What a client of Devin's can ask and do about service users."""

    @abstractmethod
    def _attempt(
        self, method: str, what: str, org_id: str = "", sent_texts: tuple[str, ...] = (), *, permission: str = ""
    ) -> Attempt: ...

    @abstractmethod
    def _call(
        self, attempt: Attempt, path: str, *, parse: Callable[[object], T], payload: dict[str, Any] | None = None
    ) -> T: ...

    @abstractmethod
    def _list(
        self, attempt: Attempt, path: str, listing: Listing[Item], query: Mapping[str, Any]
    ) -> tuple[Item, ...]: ...

    def get_service_user(self, service_user_id: str) -> ServiceUser:
        """Its expiry and roles."""
        attempt = self._of_keys("GET", f"read the service user {service_user_id}")
        path = f"/v3/enterprise/members/service-users/{segment(service_user_id)}"
        return self._call(attempt, path, parse=ServiceUser.parse)

    def list_api_keys(self, service_user_id: str) -> tuple[ApiKey, ...]:
        """All of them, the revoked and expired too, or an error: never a part of them."""
        attempt = self._of_keys("GET", f"list the API keys of {service_user_id}")
        listing = Listing("API key", ApiKey.parse, lambda key: key.key_id)
        return self._list(attempt, _keys_path(service_user_id), listing, {"status": "all"})

    def create_api_key(self, service_user_id: str, *, name: str, expires_at: int | None = None) -> NewApiKey:
        """One more; the others stay. Sent again after a 429 only: after anything else the list tells, by the name."""
        attempt = self._of_keys("POST", f"make an API key of {service_user_id}")
        payload = {"name": name, "expires_at": expires_at}
        return self._call(attempt, _keys_path(service_user_id), payload=payload, parse=NewApiKey.parse)

    def rotate_api_key(self, service_user_id: str, key_id: str, *, expires_at: int | None = None) -> NewApiKey:
        """Another one in place of this one, which goes on working until it is revoked. Sent again after a 429 only."""
        attempt = self._of_keys("POST", f"rotate the API key {key_id} of {service_user_id}")
        payload = {"revoke_current": False, "new_key_expires_at": expires_at}
        path = f"{_keys_path(service_user_id)}/{segment(key_id)}/rotate"
        return self._call(attempt, path, payload=payload, parse=NewApiKey.parse)

    def revoke_api_key(self, service_user_id: str, key_id: str) -> None:
        """For good; one that is revoked already stays so."""
        attempt = self._of_keys("DELETE", f"revoke the API key {key_id} of {service_user_id}")
        path = f"{_keys_path(service_user_id)}/{segment(key_id)}"
        try:
            self._call(attempt, path, parse=lambda _: None)
        except Refused as error:
            if error.status != ALREADY_REVOKED:
                raise

    def _of_keys(self, method: str, what: str) -> Attempt:
        return self._attempt(method, what, permission=MANAGE_KEYS)


def _keys_path(service_user_id: str) -> str:
    return f"/v3beta1/enterprise/service-users/{segment(service_user_id)}/api-keys"
