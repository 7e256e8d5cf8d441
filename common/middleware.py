"""What middlewares share: the rest of the way to an answer, and which addresses go no way at all."""

from collections.abc import Callable
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]
NO_NUL = "An address cannot hold NUL."


def holds_nul(request: HttpRequest) -> bool:
    """No row holds one, and PostgreSQL fails on being asked."""
    return "\0" in request.path + unquote(request.META["QUERY_STRING"])
