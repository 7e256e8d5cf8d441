"""Devin as an app of connections: one API key, at DEVIN_API_URL or another listed host."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings

from connections.devin.client import DevinClient
from connections.devin.errors import Unreachable
from connections.devin.slots import Slots
from connections.hosts import DEVIN
from connections.kept import Owner
from connections.kinds import Entry, Identity, Kind, Method
from connections.validation import API_KEY_LENGTH, clean_api_key
from connections.ways import WAY

if TYPE_CHECKING:
    from connections.models import Connection

# A person waits for one question to Devin this long, for a whole list so long, and for its leave after a 429 so long.
PATIENCE = timedelta(seconds=8)
PATIENCE_FOR_A_LIST = timedelta(seconds=15)
PATIENCE_AFTER_429 = timedelta(seconds=3)
# What is only told beside the rest is waited for this long, all in all.
PATIENCE_BESIDE = timedelta(seconds=2)

API_KEY = Entry(
    name="api_key",
    label="API key",
    help_text=(
        "The key of a Devin service user that may manage the organization's secrets; it starts with “cog_”. "
        "Saving asks Devin who it is. It is stored encrypted and never shown again."
    ),
    clean=clean_api_key,
    longest=API_KEY_LENGTH,
    is_hinted=True,
)


class Devin(Kind):
    name = "devin"
    label = "Devin"
    methods = (Method("api-key", "API key", (API_KEY,)),)
    parameters = WAY
    hosts = DEVIN
    secret_words = "API key"  # noqa: S105
    summary = "Where secrets go: the API key of a Devin service user."

    def usual_address(self) -> str:
        return str(settings.DEVIN_API_URL)

    def identify(self, connection: "Connection") -> Identity:
        with connection.open_client(patience=PATIENCE) as client:
            principal = client.get_self()
        return Identity(principal.principal_type, principal.name, principal.org_id)


def open_client(
    connection: "Connection",
    *,
    fence: Callable[[], None] | None = None,
    patience: timedelta | None = None,
    api_key: str = "",
) -> DevinClient:
    """A client for the stored key, or another one, to be closed by the caller.

    With `patience`, a person waits for all its calls together. Without, its HTTP connections serve the next one too.
    """
    deadline = settings.DEVIN_REQUEST_DEADLINE
    if patience is None:
        write_deadline = min(settings.DEVIN_WRITE_DEADLINE, deadline)
        return _open(connection, api_key, deadline=deadline, write_deadline=write_deadline, fence=fence, is_kept=True)
    return _open(
        connection,
        api_key,
        deadline=min(deadline, patience),
        fence=fence,
        patience=patience,
        tries=2,
        longest_wait=PATIENCE_AFTER_429,
    )


def _open(connection: "Connection", api_key: str, *, is_kept: bool = False, **options: Any) -> DevinClient:
    if connection.app != Devin.name:
        raise Unreachable(f"Nothing was sent: the connection “{connection.name}” is not to Devin.", retryable=False)
    if problem := connection.why_not_allowed():
        raise Unreachable(problem, retryable=False)
    address, api_key = connection.base_url, api_key or connection.credentials()[API_KEY.api_name]
    return DevinClient(
        base_url=address,
        api_key=api_key,
        owner=Owner.of(str(connection.pk), address=connection.where, credentials=api_key) if is_kept else None,
        # A person is not kept waiting by runs.
        slots=Slots.of(connection.pk, connection.concurrency) if is_kept else None,
        concurrency=connection.concurrency,
        name=connection.name,
        closed_for=connection.rate_limited_for,
        route=connection.route(),
        **options,
    )
