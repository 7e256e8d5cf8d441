"""Errors that come from around the API (no such route, a wrong method, a bad host) leave in its envelope too."""

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix

from api.http.errors import BUSY, on_busy, respond
from common.middleware import NO_NUL, GetResponse, holds_nul

MESSAGES = {
    404: "There is no such route. See {docs}.",
    405: "This route does not have that method. See {docs}.",
    413: "The request is too large.",
}


class ApiErrorMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/") and holds_nul(request):
            return respond(400, NO_NUL)
        _drop_slash(request)
        response = self.get_response(request)
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        if response.status_code < 400 or is_json or not request.path_info.startswith("/api/"):
            return response
        status = response.status_code
        kept = {name: text for name, text in response.headers.items() if name not in ("Content-Type", "Content-Length")}
        docs = f"{get_script_prefix()}api/docs"
        message = MESSAGES[status].format(docs=docs) if status in MESSAGES else response.reason_phrase
        return respond(status, message, headers=kept, **({"docs": docs} if status in (404, 405) else {}))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """For what is beside the routes, such as their document; the routes' own errors do not come this far."""
        return on_busy(request, error) if isinstance(error, BUSY) and request.path_info.startswith("/api/") else None


def _drop_slash(request: HttpRequest) -> None:
    """A slash at the end means nothing: Infisical's command line logs in at `…/login/`."""
    path = request.path_info.rstrip("/")
    if path.startswith("/api/"):
        request.path_info, request.path = path, request.path.rstrip("/")
