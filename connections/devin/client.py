"""The Devin API: four calls, each with a deadline, retries by method and one gate for all threads."""

from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from connections.devin.types import Principal, RemoteSecret


class DevinClient:
    """Talks to one Devin deployment with one API key; may be shared by threads."""

    requests_sent: int
    rate_limited: int

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        deadline: timedelta,
        concurrency: int = 4,
        fence: Callable[[], None] | None = None,
        name: str = "",
    ) -> None:
        raise NotImplementedError

    @property
    def concurrency_now(self) -> int:
        raise NotImplementedError

    def get_self(self) -> Principal:
        raise NotImplementedError

    def list_secrets(self, org_id: str) -> tuple[RemoteSecret, ...]:
        raise NotImplementedError

    def create_secret(self, org_id: str, *, key: str, value: str, note: str) -> RemoteSecret:
        raise NotImplementedError

    def delete_secret(self, org_id: str, secret_id: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> "DevinClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
