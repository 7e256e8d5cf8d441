"""Who calls: a bearer token in, a `Caller` out, on each request anew.

A caller may do what its user may do at this moment and its scopes allow. Session cookies mean nothing here, so no other
site can make a signed-in person's browser use the API.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import HttpBearer

from api.auth.scopes import SCOPED, allows
from api.auth.throttle import count_request
from api.auth.tokens import ACCESS_TOKEN, API_TOKEN, Token
from api.http.errors import NotAuthenticated, NotPermitted, TokenError
from api.models import AccessToken, ApiToken
from common.addresses import client_address, counted, counted_address, is_allowed
from common.clients import program
from common.refusals import note_lacking
from vault.access import Place, can, can_somewhere, can_within
from vault.access.asking import told

UNKNOWN = "This token is not known here, or it was revoked."


@dataclass(frozen=True)
class Caller:
    user: User
    scopes: tuple[str, ...]
    credential: ApiToken | AccessToken

    def may(self, permission: str) -> bool:
        return self.user.has_perm(permission) and allows(self.scopes, permission)

    def require(self, *permissions: str) -> None:
        for permission in permissions:
            if not self.may(permission):
                note_lacking([permission])
                raise NotPermitted(f"This needs the permission {permission}, which this token or its owner lacks.")

    def allows(self, permission: str) -> bool:
        """Whether the scopes leave this of the owner's rights."""
        return allows(self.scopes, permission)

    def gives(self, permission: str) -> bool:
        """Whether the token may give others this of its owner's rights. One without scopes stands for its owner here,
        also in what a token does only where a scope names it; what no scope names comes along with what one does."""
        return not self.scopes or permission not in SCOPED or allows(self.scopes, permission)

    def may_at(self, permission: str, place: Place) -> bool:
        return allows(self.scopes, permission) and can(self.user, permission, place)

    def require_at(self, place: Place, *permissions: str) -> None:
        """Raises NotPermitted, which names the right and, where it is one of this place, the place."""
        for permission in permissions:
            if not self.may_at(permission, place):
                note_lacking([permission], place)
                where = f" {told(place)}" if place.project is not None and not self.user.has_perm(permission) else ""
                raise NotPermitted(
                    f"This needs the permission {permission}{where}, which this token or its owner lacks."
                )

    def require_within(self, place: Place, *permissions: str) -> None:
        """The same, for what is seen by whoever has the right in a part of the place."""
        for permission in permissions:
            if not (allows(self.scopes, permission) and can_within(self.user, permission, place)):
                self.require_at(place, permission)

    def require_somewhere(self, *permissions: str) -> None:
        """For routes that look at the place of what they are asked about."""
        for permission in permissions:
            if not (can_somewhere(self.user, permission) and allows(self.scopes, permission)):
                note_lacking([permission])
                raise NotPermitted(f"This needs the permission {permission}, which this token or its owner lacks.")

    @property
    def name(self) -> str:
        """How the audit log calls it."""
        credential = self.credential
        if isinstance(credential, AccessToken):
            return f"machine identity {credential.identity.name}"
        return f"API token {credential.name}"


class Bearer(HttpBearer):
    """Lets a request in that has a live token whose owner has all these permissions: everywhere or, for a route that
    looks at places itself, somewhere."""

    openapi_description = "An access token of a machine identity, or an API token."

    def __init__(self, *permissions: str, by_place: bool = False) -> None:
        super().__init__()
        self.permissions, self.by_place = permissions, by_place

    def __call__(self, request: HttpRequest) -> Any:
        scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            count_request(f"ip:{counted_address(request)}")
            raise NotAuthenticated("Send a token: Authorization: Bearer TOKEN.")
        return self.authenticate(request, text.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        address = client_address(request)
        try:
            caller = identify(token, address)
        except (NotAuthenticated, TokenError):
            count_request(f"ip:{counted(address)}")
            raise
        count_request(caller.credential.prefix, is_known=True)
        caller.credential.note_use(address)
        # Even if it is refused, so that the audit log can tell to whom.
        request.auth = caller  # type: ignore[attr-defined]
        program.set(caller.name)
        demand = caller.require_somewhere if self.by_place else caller.require
        demand(*self.permissions)
        return caller


def identify(text: str, address: str) -> Caller:
    """Raises NotAuthenticated or TokenError."""
    token = Token.parse(text)
    if token is None or token.kind not in (API_TOKEN, ACCESS_TOKEN):
        raise NotAuthenticated(UNKNOWN, is_invalid=True)
    found = find_credential(token)
    if found is None or not token.proves(found.digest) or is_revoked(found):
        if found is None:
            token.proves(None)
        raise NotAuthenticated(UNKNOWN, is_invalid=True)
    user, scopes, networks = rights_of(found)
    if not user.is_active:
        raise NotAuthenticated(UNKNOWN, is_invalid=True)
    if not is_allowed(address, networks):
        raise NotAuthenticated("This token may not be used from this address.", is_invalid=True)
    if found.is_expired:
        raise TokenError("This token has expired. Log in again, or ask for a new one.")
    return Caller(user, scopes, found)


def is_revoked(credential: ApiToken | AccessToken) -> bool:
    if isinstance(credential, AccessToken) and credential.client_secret.revoked_at is not None:
        return True
    return credential.revoked_at is not None


def find_credential(token: Token) -> ApiToken | AccessToken | None:
    if token.kind == API_TOKEN:
        return ApiToken.objects.select_related("user").filter(prefix=token.prefix).first()
    return AccessToken.objects.select_related("identity__user", "client_secret").filter(prefix=token.prefix).first()


def rights_of(credential: ApiToken | AccessToken) -> tuple[User, tuple[str, ...], list[str]]:
    holder = credential if isinstance(credential, ApiToken) else credential.identity
    return holder.user, tuple(holder.scopes), holder.allowed_networks


def caller_of(request: HttpRequest) -> Caller:
    """Whoever `Bearer` let in."""
    caller = getattr(request, "auth", None)
    if not isinstance(caller, Caller):
        raise NotAuthenticated("Send a token: Authorization: Bearer TOKEN.")
    return caller
