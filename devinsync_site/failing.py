"""The page for what failed on our side: 503 with `Retry-After` if the database did, because trying again may help."""

import sys

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error as plain_server_error

from common.database_faults import TRY_AGAIN, describe, is_database_fault


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls this while it handles the exception."""
    error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
    if not isinstance(error, DatabaseError | InterfaceError) or not is_database_fault(error):
        return plain_server_error(request)
    page = render_to_string("503.html", {"problem": describe(error), "seconds": TRY_AGAIN})
    return HttpResponse(page, status=503, headers={"Retry-After": str(TRY_AGAIN)})
