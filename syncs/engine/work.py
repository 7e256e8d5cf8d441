"""One key on its way through APPLY, and what the answers about it establish. No request, no row."""

from dataclasses import dataclass, field

from connections.devin.types import RemoteSecret
from syncs.choices import Phase
from syncs.engine.changes import Change
from syncs.models import WriteIntent

Answer = RemoteSecret | None
REMOVES_OLD = frozenset({Phase.REMOVING_OLD, Phase.MAKING_ROOM})


@dataclass
class Result:
    """What became of a plan. `unclear` keys need a fresh list; `refused` ones have their reason; `missing` ones were
    taken away and then refused, so that nothing stands for them now."""

    unclear: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    undeletable_ids: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)


@dataclass(eq=False)
class Work:
    """`old_ids` are still to be deleted; `former_ids` after them, once the new secret stands.

    `is_absent` is set by the thread that sends the requests: the old secret is gone, the new one does not stand yet.
    `only_removes`: the new secret stood before.
    """

    change: Change
    intent: WriteIntent
    value: str = field(default="", repr=False)
    old_ids: list[str] = field(default_factory=list)
    former_ids: list[str] = field(default_factory=list)
    written: RemoteSecret | None = None
    is_absent: bool = False
    only_removes: bool = False

    @property
    def key(self) -> str:
        return self.change.destination_key

    @property
    def is_begun(self) -> bool:
        """Whether Devin holds half of it: the key is absent, or its old secret stands beside the new one."""
        return self.is_absent or self.written is not None

    @property
    def makes_room(self) -> bool:
        return self.intent.phase == Phase.MAKING_ROOM

    @property
    def is_deleting(self) -> bool:
        """Whether the request that an answer is for was a DELETE."""
        phase = self.intent.phase
        return phase == Phase.DELETING or (phase in REMOVES_OLD and not self.is_absent)


@dataclass
class Batch:
    """What some answers establish, to be recorded in one transaction, and who goes on."""

    written: list[tuple[WriteIntent, RemoteSecret]] = field(default_factory=list)
    deleted: list[WriteIntent] = field(default_factory=list)
    failed: list[tuple[WriteIntent, str]] = field(default_factory=list)
    absent: list[WriteIntent] = field(default_factory=list)
    next: list[Work] = field(default_factory=list)

    @property
    def has_facts(self) -> bool:
        return bool(self.written or self.deleted or self.failed or self.absent)
