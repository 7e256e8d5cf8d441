"""Under which name failed log-ins are counted. One that nobody has is kept as a digest: people type passwords there."""

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

SHOWN = 16


def counted_name(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str | None:
    """The typed name if it is somebody's, else what stands for it: the same for the same name, and no way back."""
    users = get_user_model()
    given = (credentials or {}).get(users.USERNAME_FIELD)
    if given is None and request is not None:
        given = request.POST.get(users.USERNAME_FIELD)
    if given is None:
        return None
    name = str(given)
    if users._default_manager.filter(**{users.USERNAME_FIELD: name}).exists():
        return name
    digest = salted_hmac("accounts.login_names", name, algorithm="sha256").hexdigest()
    return f"(unknown name {digest[:SHOWN]})"
