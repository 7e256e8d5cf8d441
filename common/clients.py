"""Where the request being served comes from, and by which program: for log lines written far below the view."""

from contextvars import ContextVar

client: ContextVar[str] = ContextVar("client", default="")
program: ContextVar[str] = ContextVar("program", default="")


def current_client() -> str:
    """The address; "" outside of a request."""
    return client.get()


def current_program() -> str:
    """Whose token the request brought: "API token ci"; "" for a person at a browser, and outside of a request."""
    return program.get()
