"""Where the request being served comes from, for log lines that are written far below the view."""

from contextvars import ContextVar

client: ContextVar[str] = ContextVar("client", default="")


def current_client() -> str:
    """The address; "" outside of a request."""
    return client.get()
