"""The request log: what arrived, from whom and what became of it; never a value or a token."""

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(slots=True, kw_only=True)
class LoggedRequest:
    """Times are of the system's monotonic clock, which all processes of a machine share, except `wall`."""

    seq: int
    connection: int
    peer: str  # the address that it came from
    caller: str | None
    method: str
    path: str
    query: str
    org: str | None
    key: str | None
    note: str | None
    secret_id: str | None
    bytes: int
    arrived: float
    wall: float
    api_key: str | None = None  # the ID of the caller's
    inside_retry_after: bool = False
    fault: str | None = None
    committed: float | None = None  # when the organization changed by it
    answered: float | None = None
    status: int | None = None  # None while under way, and for ever where no status line was sent

    @property
    def ended(self) -> float | None:
        """When it could change nothing any more; None while it still could."""
        return self.answered or self.committed

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class RequestLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[LoggedRequest] = []
        self._numbers = itertools.count(1)

    def next_seq(self) -> int:
        return next(self._numbers)

    def add(self, entry: LoggedRequest) -> None:
        with self._lock:
            self._entries.append(entry)

    def requests(
        self, method: str | None = None, *, key: str | None = None, org: str | None = None, after: int = 0
    ) -> list[LoggedRequest]:
        """Those of one method, key or organization, in order of arrival, younger than the number `after`."""
        with self._lock:
            entries = list(self._entries)
        return [
            entry
            for entry in entries
            if entry.seq > after
            and (method is None or entry.method == method)
            and (key is None or entry.key == key)
            and (org is None or entry.org == org)
        ]

    def counts(self) -> dict[str, int]:
        """Requests by method, as in {"GET": 1, "POST": 3}."""
        return dict(Counter(entry.method for entry in self.requests()))

    def writes(self) -> list[LoggedRequest]:
        return [entry for entry in self.requests() if entry.method in ("POST", "DELETE")]

    def overlapping_writers(self) -> list[tuple[LoggedRequest, LoggedRequest]]:
        """Writes to one organization from two addresses that were under way at once: nobody else may write then."""
        return overlaps(self.writes())

    def too_early(self) -> list[LoggedRequest]:
        """Requests that came although the caller had been told to wait."""
        return [entry for entry in self.requests() if entry.inside_retry_after]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._numbers = itertools.count(1)


def overlaps(writes: Sequence[LoggedRequest]) -> list[tuple[LoggedRequest, LoggedRequest]]:
    """Pairs from two addresses, of one organization, of which the second came before the first was over."""
    found = []
    last: dict[str | None, list[LoggedRequest]] = {}
    for entry in sorted(writes, key=lambda entry: entry.arrived):
        under_way = [one for one in last.get(entry.org, []) if one.ended is None or one.ended > entry.arrived]
        found += [(one, entry) for one in under_way if one.peer != entry.peer]
        last[entry.org] = [*under_way, entry]
    return found
