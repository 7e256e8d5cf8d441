"""The document and its page, for people who are signed in and for scripts with a token."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from ninja.openapi.docs import Swagger

from api.auth.callers import Bearer
from api.http.errors import ApiError, respond

View = Callable[..., HttpResponse]

# Where the request for the document went, which is where the API is.
server: ContextVar[str] = ContextVar("server", default="http://127.0.0.1:8000")


class Docs(Swagger):
    """Swagger's page without anything from elsewhere: its files are ours, and it sends the document to no validator."""

    template = "api/docs.html"
    template_cdn = ""

    def __init__(self) -> None:
        super().__init__({"validatorUrl": None, "persistAuthorization": False, "docExpansion": "none", "filter": True})


def for_signed_in(view: View) -> View:
    """People without a session are sent to log in; scripts are told so in the API's envelope."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        server.set(request.build_absolute_uri(get_script_prefix()).rstrip("/"))
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.path.endswith("/docs") and "Authorization" not in request.headers:
            return redirect_to_login(request.get_full_path())
        try:
            Bearer()(request)
        except ApiError as error:
            return respond(error.status, error.message, name=error.name, headers=error.headers)
        return view(request, *args, **kwargs)

    return wrapper
