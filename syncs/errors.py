"""What can go wrong with a sync.

SyncError            says what was tried, on what, what came back and what to do; `retryable`: waiting may help, and
                     `retry_after`, how long the other side asked us to stay away, if it did
├── InvalidKeySchema     a key schema that cannot be used
├── SourceProblem        the source cannot be read whole
├── DestinationProblem   the organization or the connection does not let us
├── TooManyRounds        the destination kept answering unclearly; retryable
├── Blocked              what the plan would do waits for a person
│   └── AwaitsApproval       … for another one than those whose plan it is
├── RunTooLong           a run took longer than a run may; retryable
├── Stopped              a person has cancelled the run; what it had begun is finished
├── AwaitsWave           the plan carries a change whose turn has not come; nothing more is written
├── LeaseLost            another worker has taken over; stop before the next write
├── NotRunnable          a run was asked for that must not start (disabled, no source, already removed)
└── EditRefused          a sync must not be made, changed or deleted so; `field` is the one at fault, if one is
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from syncs.choices import BlockedReason


class SyncError(Exception):
    retryable = False

    def __init__(self, message: str, *, retryable: bool | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable


class InvalidKeySchema(SyncError):
    pass


class SourceProblem(SyncError):
    pass


class DestinationProblem(SyncError):
    pass


class TooManyRounds(SyncError):
    retryable = True


class Blocked(SyncError):
    def __init__(self, message: str, *, reason: BlockedReason) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class AwaitedPlan:
    """What a person is to approve: its place, its lines as `engine.approval` keeps them, and the digest of both.

    `sources` are the source's own ids of the secrets that it writes: by them is found whose plan it is.
    """

    place: str
    lines: Sequence[Sequence[Any]]
    digest: str
    sources: Sequence[str] = ()


class AwaitsApproval(Blocked):
    def __init__(self, message: str, plan: AwaitedPlan) -> None:
        super().__init__(message, reason=BlockedReason.APPROVAL)
        self.plan = plan


class RunTooLong(SyncError):
    retryable = True


class Stopped(SyncError):
    def __init__(self) -> None:
        super().__init__("The run was cancelled.")


class AwaitsWave(SyncError):
    def __init__(self) -> None:
        super().__init__("The turn of this sync has not come yet.")


class LeaseLost(SyncError):
    pass


class NotRunnable(SyncError):
    pass


class EditRefused(SyncError):
    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
