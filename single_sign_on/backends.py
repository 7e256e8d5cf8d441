"""What Django asks about people: whether a password counts at all, and who is in a session that a provider began."""

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from common.log_ins import takes_password


class PasswordGate:
    """Stands before what looks at passwords. Refused here, a log-in has failed like one with a wrong password.

    Without `get_user`, no session is ever its own.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        if not takes_password(str(credentials.get("username") or "")):
            raise PermissionDenied


class ProviderBackend(BaseBackend):
    """Lets nobody in by itself, and gives no permission: groups do that, as for everybody."""

    def get_user(self, user_id: int) -> User | None:
        return ModelBackend().get_user(user_id)
