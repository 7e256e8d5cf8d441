"""The id of the request being served, for log lines, answers and the runs that it asks for."""

from contextvars import ContextVar

LONGEST = 64
request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """ "" outside of a request."""
    return request_id.get()
