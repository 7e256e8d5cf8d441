"""What a plan is made of: the planner's two sides, the changes between them, and the plan itself. No value, no I/O."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from uuid import UUID

from syncs.choices import Decision, Strangers


@dataclass(frozen=True)
class DesiredSecret:
    """`source_id` is the source's own id of the secret, "" where it has none or the same one for several. `words` are
    those of the comment that its note in Devin is to hold, "" where it holds none.
    """

    destination_key: str
    source_key: str
    fingerprint: str
    source_id: str = ""
    words: str = ""


@dataclass(frozen=True)
class Known:
    """A row of the ledger. `fingerprinted_for` is the sync whose id the fingerprint holds, None for its own."""

    destination_key: str
    source_key: str
    secret_id: str
    fingerprint: str
    note: str
    secret_type: str
    is_sensitive: bool
    modified_at: int
    fingerprinted_for: UUID | None = None
    renamed_to: str = ""
    is_adopted: bool = False
    source_id: str = ""


@dataclass(frozen=True)
class Create:
    destination_key: str
    source_key: str
    reason: str
    is_drift: bool = False


@dataclass(frozen=True)
class Replace:
    destination_key: str
    source_key: str
    old_ids: tuple[str, ...]
    old_type: str
    reason: str
    is_drift: bool = False
    is_stranger: bool = False


@dataclass(frozen=True)
class Rename:
    """A secret that we wrote goes on under a new key: the new one is written, then the old one deleted.

    `former_ids` and `former_keys` are the old ones'. `old_ids` hold the new key now, and make room as in a Replace.
    `is_written`: the new one stands already, so that only the deletion is left.
    """

    destination_key: str
    source_key: str
    former_keys: tuple[str, ...]
    former_ids: tuple[str, ...]
    reason: str
    old_ids: tuple[str, ...] = ()
    old_type: str = ""
    is_written: bool = False
    is_drift: bool = False
    is_stranger: bool = False


@dataclass(frozen=True)
class HandOver:
    """A secret that we let go of and another sync wants: the ledger's row changes hands, and nothing is deleted."""

    destination_key: str
    secret_id: str
    secret_type: str
    to_sync: UUID
    reason: str
    to_source_key: str


@dataclass(frozen=True)
class Delete:
    """`is_decided`: a person has said so of this very secret, so the guard does not ask again."""

    destination_key: str
    secret_id: str
    secret_type: str
    reason: str
    is_stranger: bool = False
    is_duplicate: bool = False
    is_decided: bool = False


# In place of a name, as who reads this may not see that sync.
UNNAMED = "a sync of another project"


def told_sync(name: str) -> str:
    """How another sync is called, in a sentence."""
    return UNNAMED if name in ("", UNNAMED) else f"the sync “{name}”"


@dataclass(frozen=True)
class Unread:
    """Another live sync whose source cannot be read: it may want any key that its key schema matches.

    `name` is "" where not everybody may see it. `problem` says why; `may_pass`: waiting may help; `seconds` is how long
    its source wants to be left alone.
    """

    sync: UUID
    name: str
    problem: str
    matches: Callable[[str], bool]
    may_pass: bool = False
    seconds: float = 0


@dataclass(frozen=True)
class HeldBack:
    """A deletion that has to wait until another sync's source can be read, which might forbid it.

    `goes_on_as` is the new key of a secret of ours that is only the former one of a rename.
    """

    destination_key: str
    secret_id: str
    secret_type: str
    reason: str
    by: Unread
    is_stranger: bool = False
    is_decided: bool = False
    goes_on_as: str = ""


@dataclass(frozen=True)
class Keep:
    """`is_moved`: the source has it under another key or id than when it was written."""

    destination_key: str
    source_key: str
    is_moved: bool = False


@dataclass(frozen=True)
class Refusal:
    """A key that is desired but not ours to write. `holder` is the sync that manages it, "" if none does;
    `may_take_over`: that sync has stopped, so a person may say so."""

    destination_key: str
    source_key: str
    reason: str
    holder: str = ""
    may_take_over: bool = False


Write = Create | Replace | Rename
Change = Write | HandOver | Delete


@dataclass(frozen=True)
class Options:
    """`matches` says whether a key in Devin is in scope, `why_not` why one that the source has is not synced, "" where
    it lacks it."""

    matches: Callable[[str], bool]
    why_not: Callable[[str], str] = lambda key: ""
    disable_deletion: bool = False
    strangers: Strangers = Strangers.DELETE
    # What a person has said of single strangers, by secret id.
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    repush_all: bool = False
    # With repush_all: the keys that this run has already written again.
    repushed: Collection[str] = ()
    # Keys that an earlier attempt took away to make room for the new value.
    taken_away: Collection[str] = ()
    # Keys of the ledger that are not desired, with the new key that the source has the same value under.
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanter:
    """Another live sync whose source has a key; its name is "" if not everybody may see it."""

    sync: UUID
    name: str
    source_key: str


@dataclass(frozen=True)
class Others:
    """Other syncs of the same organization: what they manage, as keys with the sync's name ("" where not everybody may
    see it) and as ids, and what of ours they want, or may want. `stopped` says why a holder cannot let go by itself
    ("it is disabled"), by key."""

    names_by_key: Mapping[str, str] = field(default_factory=dict)
    secret_ids: frozenset[str] = frozenset()
    stopped: Mapping[str, str] = field(default_factory=dict)
    wanters: Mapping[str, Wanter] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()

    def unread_for(self, key: str) -> Unread | None:
        """The first that may want a key; nobody wants a secret that has none."""
        return next((each for each in self.unread if key and each.matches(key)), None)


@dataclass(frozen=True)
class Plan:
    creates: tuple[Create, ...] = ()
    replaces: tuple[Replace, ...] = ()
    renames: tuple[Rename, ...] = ()
    hand_overs: tuple[HandOver, ...] = ()
    deletes: tuple[Delete, ...] = ()
    keeps: tuple[Keep, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    # Strangers of which a person is asked: nothing becomes of them until then.
    asked: tuple[Delete, ...] = ()
    # Old names of keys that are refused: they stay until that is mended.
    waiting: tuple[Delete, ...] = ()
    # Those that another sync might forbid whose source cannot be read now.
    held_back: tuple[HeldBack, ...] = ()
    # Keys of the ledger whose secret is gone and no longer desired: to be forgotten, without a request.
    forgotten: tuple[str, ...] = ()
    in_scope_count: int = 0
    source_count: int = 0
    # Secrets of the source that are not chosen.
    left_out_count: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def writes(self) -> tuple[Write, ...]:
        return (*self.creates, *self.renames, *self.replaces)

    @property
    def changes(self) -> tuple[Change, ...]:
        """In the order in which they are carried out."""
        return (*self.writes, *self.hand_overs, *self.deletes)

    @property
    def removals(self) -> tuple[Delete, ...]:
        """The deletions that take a key away, for which the guard asks."""
        return tuple(delete for delete in self.deletes if not (delete.is_duplicate or delete.is_decided))

    @property
    def removals_held_back(self) -> tuple[HeldBack, ...]:
        """Those that would be among the `removals`."""
        return tuple(held for held in self.held_back if not (held.is_decided or held.goes_on_as))

    @property
    def stranger_deletes(self) -> tuple[Delete, ...]:
        return tuple(delete for delete in self.deletes if delete.is_stranger)

    def without(self, keys: Collection[str] = (), *, secret_ids: Collection[str] = ()) -> "Plan":
        """The same plan but for the writes of these keys and the deletions of these secrets."""
        if not keys and not secret_ids:
            return self
        ids = frozenset(secret_ids)
        return replace(
            self,
            creates=tuple(change for change in self.creates if change.destination_key not in keys),
            replaces=tuple(
                change
                for change in self.replaces
                if change.destination_key not in keys and not ids.intersection(change.old_ids)
            ),
            renames=tuple(
                change
                for change in self.renames
                if change.destination_key not in keys and not ids.intersection((*change.old_ids, *change.former_ids))
            ),
            deletes=tuple(change for change in self.deletes if change.secret_id not in ids),
        )

    @property
    def is_empty(self) -> bool:
        return not self.changes

    @property
    def counts(self) -> dict[str, int]:
        """By kind; of the rarer ones, only those that there are."""
        rare = {
            "rename": len(self.renames),
            "hand_over": len(self.hand_overs),
            "ask": len(self.asked),
            "hold": len(self.held_back),
        }
        return {
            "create": len(self.creates),
            "replace": len(self.replaces),
            **{word: count for word, count in rare.items() if count},
            "delete": len(self.deletes),
            "keep": len(self.keeps),
        }

    @property
    def digest(self) -> str:
        """Names this very plan; it changes with any change in it, but not with the order of lists."""
        lines = sorted(
            "\0".join((type(change).__name__, change.destination_key, *_ids(change))) for change in self.changes
        )
        return sha256("\n".join(lines).encode()).hexdigest()

    def __str__(self) -> str:
        counts = self.counts
        to_decide = counts.pop("ask", 0)
        said = [f"{count} to {word.replace('_', ' ')}" for word, count in counts.items()]
        return ", ".join([*said, f"{to_decide} to decide"] if to_decide else said)


def _ids(change: Change) -> tuple[str, ...]:
    if isinstance(change, Rename):
        return change.former_ids
    return () if isinstance(change, Create | Replace) else (change.secret_id,)
