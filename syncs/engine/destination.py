"""LIST DESTINATION: the organization that a run works on, over the Devin client.

Turns the client's errors into sentences that say what to do about this organization and this connection.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import Self

from common import tracing
from connections.devin.client import DevinClient
from connections.devin.errors import DevinError, Forbidden, NotFound, RateLimited, Unauthorized, Unreachable
from connections.devin.refusals import why_forbidden
from connections.devin.types import RemoteSecret
from connections.models import Connection
from encryption import DecryptionError
from syncs.errors import DestinationProblem


@dataclass
class Organization:
    client: DevinClient
    org_id: str
    connection_name: str
    concurrency: int
    # For all that is sent side by side: a thread is made when there is none free.
    pool: ThreadPoolExecutor = field(init=False)
    _begun: Future[tuple[RemoteSecret, ...]] | None = None

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="devin", initializer=tracing.here())

    @classmethod
    def open(
        cls,
        connection: Connection,
        org_id: str,
        *,
        fence: Callable[[], None] | None = None,
        patience: timedelta | None = None,
    ) -> Self:
        """Raises DestinationProblem if the key can't be read, the host isn't allowed, or Devin asked for patience."""
        try:
            client = connection.open_client(fence=fence, patience=patience)
        except RateLimited as error:
            raise DestinationProblem(str(error), retryable=True, retry_after=error.retry_after) from error
        except (DecryptionError, Unreachable) as error:
            raise DestinationProblem(str(error)) from error
        return cls(client, org_id, connection.name, connection.concurrency)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.client.close()

    def begin_list(self) -> None:
        """Lets the next `list_secrets` be under way already, so that the source is read while Devin answers."""
        self._begun = self.pool.submit(self.client.list_secrets, self.org_id)

    def list_secrets(self) -> tuple[RemoteSecret, ...]:
        """Every secret of the organization, personal ones too; an incomplete list is an error."""
        begun, self._begun = self._begun, None
        try:
            return begun.result() if begun else self.client.list_secrets(self.org_id)
        except DevinError as error:
            raise self.problem(error, "list the secrets of") from error

    def create(self, *, key: str, value: str, note: str) -> RemoteSecret:
        return self.client.create_secret(self.org_id, key=key, value=value, note=note)

    def delete(self, secret_id: str) -> None:
        self.client.delete_secret(self.org_id, secret_id)

    def problem(self, error: DevinError, tried: str) -> DestinationProblem:
        """What a fault that concerns all keys means for the person who has to mend it."""
        if isinstance(error, RateLimited):
            return DestinationProblem(str(error), retryable=True, retry_after=error.retry_after)
        advice = self._advice(error)
        message = f"Could not {tried} {self.org_id}: {advice}" if advice else str(error)
        return DestinationProblem(message, retryable=error.retryable)

    @cached_property
    def _why_forbidden(self) -> str:
        """Asked once, however many writes were refused side by side."""
        return why_forbidden(self.client, self.org_id, connection=self.connection_name)

    def _advice(self, error: DevinError) -> str:
        if error.reason is not None:
            return ""
        if isinstance(error, Unauthorized):
            return (
                f"Devin does not accept the API key of connection “{self.connection_name}” (401). "
                "Enter a valid key there and sync again."
            )
        if isinstance(error, Forbidden):
            return self._why_forbidden or (
                f"Devin refuses it (403). Give the service user of connection “{self.connection_name}” the "
                "ManageOrgSecrets permission on this organization, or correct the organization ID."
            )
        if isinstance(error, NotFound):
            return "Devin knows no such organization (404). Correct the organization ID of this sync."
        return ""
