"""What is remembered of a session that ends, for the page that says so: the provider at which it began."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest

from common.log_ins import BY_PROVIDER

LEFT = "_left_provider"


def connect() -> None:
    user_logged_out.connect(remember, dispatch_uid="single_sign_on.leaving")


def remember(*, request: HttpRequest | None, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        setattr(request, LEFT, request.session.get(BY_PROVIDER, ""))
