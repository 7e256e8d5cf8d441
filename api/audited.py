"""What the audit log tells of tokens, machine identities and hooks: never a token, nor a digest of one."""

from api.hooks.models import Hook, HookDelivery
from api.models import (
    AccessToken,
    ApiToken,
    ClientSecret,
    IdempotencyKey,
    LoginFailures,
    MachineIdentity,
    ReadNote,
    RequestCount,
)
from audit import registry

LIMITS = ("scopes", "allowed_networks")


def register() -> None:
    registry.register(ApiToken, "user__username", "name", *LIMITS, "expires_at", "revoked_at", arguments=("token_id",))
    registry.register(
        MachineIdentity,
        *("name", "role__name", "is_enabled", *LIMITS, "token_ttl", "token_max_ttl"),
        hidden={"description": "description"},
        arguments=("identity_id",),
    )
    registry.register(ClientSecret, "identity__name", "expires_at", "revoked_at", hidden={"description": "description"})
    registry.register(Hook, hidden={"secret": "sealed_secret"}, place={"project": "link__project__slug"})
    # Got for a secret, or counted and noted by requests.
    registry.leave_out(AccessToken, HookDelivery, IdempotencyKey, LoginFailures, ReadNote, RequestCount)
