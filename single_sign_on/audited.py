"""What the audit log tells of whom a provider vouches for."""

from audit import registry
from single_sign_on.models import Identity


def register() -> None:
    registry.register(Identity, "user__username", "issuer", "subject")
