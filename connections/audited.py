"""What the audit log tells of connections: never a credential, nor a part of one."""

from audit import registry
from connections.models import AccessToken, Connection, KeyLife, KeyRotation, Organization, RequestBudget


def register() -> None:
    registry.register(
        Connection,
        *("name", "app", "method", "base_url", "parameters", "concurrency", "rotate_every_days"),
        named={"key expires": "key_life__expires_at"},
        hidden={"credentials": "sealed_credentials", "description": "description"},
        arguments=("connection_id",),
    )
    # What services say, and what is kept to speak with them. A rotation writes its lines itself.
    registry.leave_out(AccessToken, KeyLife, KeyRotation, Organization, RequestBudget)
