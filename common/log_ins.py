"""What those who log people in tell those who write it down, neither knowing the other."""

from django.conf import settings
from django.dispatch import Signal

# On a request and in a session: that it began by what a reverse proxy said.
BY_HEADER = "by_header"
# On a request: the label of the provider at which it began, and when the person proved there who they are, in seconds
# since the epoch, 0 if it does not say. In a session: the provider's name.
BY_PROVIDER, PROVED_AT = "by_provider", "_proved_at"
# Somebody whom a proxy or a provider named was not let in. Sends `name`, "" if nobody here has it, `way` and `why`.
log_in_refused = Signal()


def takes_password(name: str) -> bool:
    """Whether a password is a way in for the person of that name."""
    return not settings.SSO_ONLY or bool(name and name == settings.SSO_BREAK_GLASS)
