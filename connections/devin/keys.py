"""What Devin says of the API key that a client uses: how long it lives, and what other keys its service user has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from connections.devin.client import DevinClient
from connections.devin.errors import DevinError, Unauthorized
from connections.devin.service_users import ApiKey, ServiceUser
from connections.devin.types import Principal

SERVICE_USER = "service_user"
# The last day that every calendar here can show.
LATEST = datetime(9998, 12, 31, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class OwnKey:
    """`expires_at` is when the first of key and service user ends, as far as told; None where neither is known to.

    `key_id` is empty where Devin does not tell which of several keys it is; then the key's own end is not known.
    """

    service_user_id: str
    service_user_name: str
    key_id: str
    expires_at: datetime | None
    active_keys: tuple[ApiKey, ...]


@dataclass(frozen=True)
class MayNotAsk:
    """This key cannot be asked about by itself. `reason` is the middle of a sentence: “it is the key of a person”."""

    reason: str


def own_key(client: DevinClient, *, known_id: str = "") -> OwnKey | MayNotAsk:
    """Asks Devin, by up to three requests. `known_id` is that of the key where it was kept when it was made.

    Raises DevinError where the key is refused altogether (401), or where it may pass.
    """
    principal = client.get_self()
    if reason := why_not_asked(principal):
        return MayNotAsk(reason)
    user, keys = _told(client, principal)
    if user is None and keys is None:
        return MayNotAsk("it is no key of an enterprise, or lacks the permission ManageAccountServiceUsers")
    active = tuple(key for key in keys or () if key.is_active)
    key_id = which_is_used(principal, active, known_id=known_id)
    ends = [user.expires_at if user else None] + [key.expires_at for key in active if key.key_id == key_id]
    return OwnKey(
        service_user_id=principal.id,
        service_user_name=user.name if user else principal.name,
        key_id=key_id,
        expires_at=_first_of(ends),
        active_keys=active,
    )


def why_not_asked(principal: Principal) -> str:
    """What of who it is already says that it may not; "" if nothing does."""
    if principal.principal_type != SERVICE_USER or not principal.id:
        return "it is no key of a service user"
    return "it is the key of one organization, not of the enterprise" if principal.org_id else ""


def which_is_used(principal: Principal, active: Iterable[ApiKey], *, known_id: str = "") -> str:
    """The ID of the key that was used to ask; "" where that is not certain."""
    ids = [key.key_id for key in active]
    for told in (principal.key_id, known_id):
        if told and told in ids:
            return told
    return ids[0] if len(ids) == 1 else ""


def _told(client: DevinClient, principal: Principal) -> tuple[ServiceUser | None, tuple[ApiKey, ...] | None]:
    """None for what is not told."""
    user = keys = None
    try:
        user = client.get_service_user(principal.id)
    except DevinError as error:
        _require_refusal(error)
    try:
        keys = client.list_api_keys(principal.id)
    except DevinError as error:
        _require_refusal(error)
    return user, keys


def _require_refusal(error: DevinError) -> None:
    """These routes may be refused, missing or others than they were; whatever else may pass is no answer."""
    if isinstance(error, Unauthorized) or (error.retryable and error.status is None) or _is_busy(error):
        raise error


def _is_busy(error: DevinError) -> bool:
    return error.status is not None and (error.status in (408, 429) or error.status >= 500)


def _first_of(ends: Iterable[int | None]) -> datetime | None:
    found = [end for end in ends if end is not None]
    return datetime.fromtimestamp(min(*found, LATEST), UTC) if found else None
