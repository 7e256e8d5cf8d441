"""The routes of service users and their API keys, as Cognition documents them; those of keys are a beta of its API.

`GET /v3/enterprise/members/service-users/{id}`, and below `/v3beta1/enterprise/service-users/{id}/api-keys` the list
(`?status=active|revoked|expired|all`), create, rotate and revoke. They take a key of the enterprise with the permission
ManageAccountServiceUsers. Several keys of one service user live at once; a token is told once, by what makes its key.
"""

import time
from typing import Any, Protocol
from urllib.parse import parse_qs

from sandbox.directory import ApiKey, Directory

MEMBERS, KEYS = "/v3/enterprise/members/service-users/", "/v3beta1/enterprise/service-users/"
NO_PERMISSION = "Missing the permission ManageAccountServiceUsers in this enterprise"
LONGEST_NAME = 256
STATUSES = ("active", "revoked", "expired", "all")


class Asked(Protocol):
    """A call, as far as these routes look at it."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query(self) -> str: ...
    @property
    def body(self) -> Any: ...


class Refused(Exception):
    def __init__(self, status: int, detail: object) -> None:
        super().__init__(str(detail))
        self.status, self.detail = status, detail


def is_for(path: str) -> bool:
    return path.startswith((MEMBERS, KEYS))


def answer(directory: Directory, caller: ApiKey, asked: Asked) -> tuple[int, dict[str, object]]:
    """Status and content. Raises Refused."""
    if not caller.manages_service_users:
        raise Refused(403, NO_PERMISSION)
    is_member = asked.path.startswith(MEMBERS)
    user_id, *rest = asked.path.removeprefix(MEMBERS if is_member else KEYS).split("/")
    keys = directory.keys_of(user_id)
    if not keys:
        raise Refused(404, "Service user not found")
    match is_member, asked.method, rest:
        case True, "GET", []:
            return 200, as_service_user(keys[0])
        case False, "GET", ["api-keys"]:
            return 200, list_keys(directory, keys, asked.query)
        case False, "POST", ["api-keys"]:
            return 200, create(directory, keys[0], asked.body)
        case False, "POST", ["api-keys", key_id, "rotate"]:
            return 200, rotate(directory, named(keys, key_id), asked.body)
        case False, "DELETE", ["api-keys", key_id]:
            return 200, revoke(directory, named(keys, key_id))
    raise Refused(405, "Method Not Allowed")


def named(keys: list[ApiKey], key_id: str) -> ApiKey:
    found = next((key for key in keys if key.key_id == key_id), None)
    if found is None:
        raise Refused(404, "API key not found")
    return found


def as_service_user(key: ApiKey) -> dict[str, object]:
    role = {"role_id": "role-sandbox", "role_name": ", ".join(sorted(key.permissions)), "role_type": "enterprise"}
    return {
        "service_user_id": key.principal_id,
        "name": key.name,
        "expires_at": key.user_expires_at,
        "deleted_at": None,
        "role_assignments": [{"org_id": key.org_id, "role": role}],
    }


def list_keys(directory: Directory, keys: list[ApiKey], query: str) -> dict[str, object]:
    status = parse_qs(query).get("status", ["all"])[-1]
    if status not in STATUSES:
        raise Refused(422, [{"type": "value_error", "loc": ["query", "status"], "msg": f"One of {STATUSES}"}])
    shown = [as_item(directory, key) for key in keys if status in ("all", status_of(key))]
    return {"items": shown, "end_cursor": None, "has_next_page": False, "total": len(shown)}


def status_of(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.has_expired else "active"


def as_item(directory: Directory, key: ApiKey) -> dict[str, object]:
    return {
        "api_key_id": key.key_id,
        "api_key_name": key.key_name,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "is_active": key.is_active,
        "last_used_at": directory.last_used_at(key),
        "revoked_at": key.revoked_at,
    }


def create(directory: Directory, like: ApiKey, body: Any) -> dict[str, object]:
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
        raise wrong("name", f"String should have 1 to {LONGEST_NAME} characters")
    return with_token(directory.make_key(like, name=name, expires_at=expiry_in(body, "expires_at")))


def rotate(directory: Directory, key: ApiKey, body: Any) -> dict[str, object]:
    given = {} if body is None else body
    if not isinstance(given, dict) or not isinstance(given.get("revoke_current", True), bool):
        raise wrong("revoke_current", "Input should be a valid boolean")
    if not key.is_active:
        raise Refused(400, "API key is not active")
    made = directory.make_key(key, name=key.key_name, expires_at=expiry_in(given, "new_key_expires_at"))
    if given.get("revoke_current", True):
        directory.revoke(key)
    return with_token(made)


def revoke(directory: Directory, key: ApiKey) -> dict[str, object]:
    if key.revoked_at is not None:
        raise Refused(409, "API key is already revoked")
    return as_item(directory, directory.revoke(key))


def with_token(key: ApiKey) -> dict[str, object]:
    return {"api_key_id": key.key_id, "api_key_name": key.key_name, "token": key.token}


def expiry_in(body: dict[str, Any], name: str) -> int | None:
    at = body.get(name)
    if at is None:
        return None
    if isinstance(at, bool) or not isinstance(at, int) or at <= time.time():
        raise wrong(name, "Input should be a time in the future")
    return at


def wrong(name: str, message: str) -> Refused:
    return Refused(422, [{"type": "value_error", "loc": ["body", name], "msg": message}])
