"""What the audit log tells of whom a provider vouches for."""

from audit import registry
from single_sign_on.models import Answer, Identity


def register() -> None:
    registry.register(Identity, "user__username", "protocol", "issuer", "subject")
    # Comes and goes with a log-in, which has its own line.
    registry.leave_out(Answer)
