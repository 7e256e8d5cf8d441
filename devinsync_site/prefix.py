"""The path below which a reverse proxy shows the site, from `PATH_PREFIX`.

    the browser asks for     /devinsync/admin/
    the proxy passes on      /devinsync/admin/   or, where it takes the prefix off,   /admin/
    the site sees            SCRIPT_NAME=/devinsync, PATH_INFO=/admin/, both times

Django builds each address from these two. No header of a request says what the prefix is.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from common.middleware import GetResponse

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def below(application: Application, prefix: str) -> Application:
    """The application for requests with or without the prefix."""

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if f"{path}/".startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        environ["SCRIPT_NAME"] = prefix
        return application(environ, start_response)

    return serve if prefix else application


class CookiePathMiddleware:
    """Keeps cookies from the neighbours on the same host, also those whose path no setting tells."""

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.PATH_PREFIX:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for cookie in response.cookies.values():
            cookie["path"] = f"{settings.PATH_PREFIX}/"
        return response
