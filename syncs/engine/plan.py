"""PLAN: desired × existing × ledger × options → changes. Pure: no Django, no network, no clock, no value.

| the key is                       | then                                                           |
| -------------------------------- | -------------------------------------------------------------- |
| desired, absent                  | Create                                                         |
| desired, present, known          | Keep: the ledger has this id and fingerprint, nothing moved    |
| desired, present, anything else  | Replace: unknown or changed value, changed outside, wrong type |
| desired, present more than once  | the others of that key are deleted as duplicates               |
| in scope, not desired            | Delete, unless an option says otherwise                        |
| anything else                    | not ours to touch                                              |

In scope is what matches the key schema or was written by this sync. Personal secrets, secrets without a key or of an
unknown type, and those that another sync manages are never touched; a desired key that one of the latter two holds is
refused.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from connections.devin.types import RemoteSecret
from syncs.engine.keys import key_warnings

KEY_VALUE = "key-value"
KNOWN_TYPES = frozenset({KEY_VALUE, "cookie", "totp"})


@dataclass(frozen=True)
class DesiredSecret:
    destination_key: str
    source_key: str
    fingerprint: str


@dataclass(frozen=True)
class Known:
    """A row of the ledger."""

    destination_key: str
    source_key: str
    secret_id: str
    fingerprint: str
    note: str
    secret_type: str
    is_sensitive: bool
    modified_at: int


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
class Delete:
    destination_key: str
    secret_id: str
    secret_type: str
    reason: str
    is_stranger: bool = False
    is_duplicate: bool = False


@dataclass(frozen=True)
class Keep:
    destination_key: str
    source_key: str


@dataclass(frozen=True)
class Refusal:
    """A key that is desired but not ours to write."""

    destination_key: str
    source_key: str
    reason: str


Change = Create | Replace | Delete


@dataclass(frozen=True)
class Options:
    matches: Callable[[str], bool]
    disable_deletion: bool = False
    only_delete_managed: bool = False
    repush_all: bool = False
    # With repush_all: the keys that this run has already written again.
    repushed: Collection[str] = ()
    # Keys that an earlier attempt took away to make room for the new value.
    taken_away: Collection[str] = ()


@dataclass(frozen=True)
class Others:
    """What other syncs manage in the same organization: keys with the sync's name, and ids."""

    names_by_key: Mapping[str, str] = field(default_factory=dict)
    secret_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Plan:
    creates: tuple[Create, ...] = ()
    replaces: tuple[Replace, ...] = ()
    deletes: tuple[Delete, ...] = ()
    keeps: tuple[Keep, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    # Keys of the ledger whose secret is gone and no longer desired: to be forgotten, without a request.
    forgotten: tuple[str, ...] = ()
    in_scope_count: int = 0
    source_count: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """In the order in which they are carried out."""
        return (*self.creates, *self.replaces, *self.deletes)

    @property
    def removals(self) -> tuple[Delete, ...]:
        """The deletions that take a key away, for which the guard asks."""
        return tuple(delete for delete in self.deletes if not delete.is_duplicate)

    @property
    def stranger_deletes(self) -> tuple[Delete, ...]:
        return tuple(delete for delete in self.deletes if delete.is_stranger)

    def without(self, keys: Collection[str]) -> "Plan":
        """The same plan but for these keys."""
        if not keys:
            return self
        return replace(
            self,
            creates=tuple(change for change in self.creates if change.destination_key not in keys),
            replaces=tuple(change for change in self.replaces if change.destination_key not in keys),
        )

    @property
    def is_empty(self) -> bool:
        return not self.changes

    @property
    def counts(self) -> dict[str, int]:
        return {
            "create": len(self.creates),
            "replace": len(self.replaces),
            "delete": len(self.deletes),
            "keep": len(self.keeps),
        }

    @property
    def digest(self) -> str:
        """Names this very plan; it changes with any change in it, but not with the order of lists."""
        lines = sorted(
            f"{type(change).__name__}\0{change.destination_key}\0{getattr(change, 'secret_id', '')}"
            for change in self.changes
        )
        return sha256("\n".join(lines).encode()).hexdigest()

    def __str__(self) -> str:
        return ", ".join(f"{count} to {word}" for word, count in self.counts.items())


def build_plan(
    desired: Iterable[DesiredSecret],
    existing: Iterable[RemoteSecret],
    ledger: Iterable[Known],
    *,
    options: Options,
    others: Others | None = None,
    is_ours: Callable[[RemoteSecret], bool] = lambda secret: False,
) -> Plan:
    """`is_ours` says of a secret that the ledger lacks whether its note names this very sync."""
    return _Planner(desired, existing, ledger, options=options, others=others or Others(), is_ours=is_ours).plan()


def build_removal(
    ledger: Iterable[Known],
    existing: Iterable[RemoteSecret],
    *,
    is_ours: Callable[[RemoteSecret], bool] = lambda secret: False,
) -> Plan:
    """Deletes the secrets that the sync wrote, and nothing else."""
    known = {entry.secret_id: entry for entry in ledger}
    present = [secret for secret in existing if secret.secret_id in known or is_ours(secret)]
    gone = known.keys() - {secret.secret_id for secret in present}
    return Plan(
        deletes=_by_key(
            Delete(secret.key or "", secret.secret_id, secret.secret_type, "removed on request") for secret in present
        ),
        forgotten=tuple(sorted(known[secret_id].destination_key for secret_id in gone)),
        in_scope_count=len(present),
    )


def drift_of(secret: RemoteSecret, known: Known) -> str:
    """What differs from what we recorded when we wrote it, in words; "" if nothing does. Values can't be compared."""
    moved = []
    if secret.secret_type != known.secret_type:
        moved.append(f"its type is {secret.secret_type}")
    if (secret.note or "") != known.note:
        moved.append("its note was edited")
    if secret.is_sensitive != known.is_sensitive:
        moved.append("its sensitivity was changed")
    if secret.modified_at != known.modified_at:
        moved.append("it was updated in Devin")
    return ", ".join(moved)


class _Planner:
    def __init__(
        self,
        desired: Iterable[DesiredSecret],
        existing: Iterable[RemoteSecret],
        ledger: Iterable[Known],
        *,
        options: Options,
        others: Others,
        is_ours: Callable[[RemoteSecret], bool],
    ) -> None:
        self.desired = {item.destination_key: item for item in desired}
        self.ledger = {entry.destination_key: entry for entry in ledger}
        self.managed_ids = {entry.secret_id for entry in self.ledger.values()}
        self.options = options
        self.others = others
        self.is_ours = is_ours
        self.held: dict[str, list[RemoteSecret]] = defaultdict(list)
        for secret in existing:
            if secret.access_type == "org" and secret.key:
                self.held[secret.key].append(secret)
        self.creates: list[Create] = []
        self.replaces: list[Replace] = []
        self.deletes: list[Delete] = []
        self.keeps: list[Keep] = []
        self.refusals: list[Refusal] = []

    def plan(self) -> Plan:
        for key in sorted(self.desired):
            self._plan_desired(self.desired[key])
        in_scope = [secret for key in self.held for secret in self.held[key] if self._in_scope(secret)]
        for secret in in_scope:
            if secret.key not in self.desired:
                self._plan_undesired(secret)
        return Plan(
            creates=tuple(self.creates),
            replaces=tuple(self.replaces),
            deletes=_by_key(self.deletes),
            keeps=tuple(self.keeps),
            refusals=tuple(self.refusals),
            forgotten=self._forgotten(),
            in_scope_count=len(in_scope),
            source_count=len(self.desired),
            warnings=tuple(key_warnings(self.desired)),
        )

    def _forgotten(self) -> tuple[str, ...]:
        """By id: a stranger's secret of the same key must not keep the key ours."""
        held_ids = {secret.secret_id for secrets in self.held.values() for secret in secrets}
        gone = {key for key, entry in self.ledger.items() if entry.secret_id not in held_ids}
        return tuple(sorted(gone - self.desired.keys()))

    def _is_managed(self, secret: RemoteSecret) -> bool:
        return secret.secret_id in self.managed_ids or self.is_ours(secret)

    def _in_scope(self, secret: RemoteSecret) -> bool:
        if secret.secret_id in self.others.secret_ids or secret.secret_type not in KNOWN_TYPES:
            return False
        return self._is_managed(secret) or self.options.matches(secret.key or "")

    def _plan_desired(self, item: DesiredSecret) -> None:
        key = item.destination_key
        held, known = self.held.get(key, []), self.ledger.get(key)
        if reason := self._why_refuse(key, held):
            self.refusals.append(Refusal(key, item.source_key, reason))
            return
        if not held and key in self.options.taken_away:
            reason = "an earlier attempt ended after deleting the old one"
            self.replaces.append(Replace(key, item.source_key, old_ids=(), old_type=KEY_VALUE, reason=reason))
            return
        if not held:
            was_known = known is not None and known.fingerprint == item.fingerprint
            reason = "it was deleted in Devin" if was_known else "new in the source"
            self.creates.append(Create(key, item.source_key, reason, is_drift=was_known))
            return
        current = next((secret for secret in held if known and secret.secret_id == known.secret_id), None)
        reason, is_drift = self._why_replace(item, current, known)
        if reason:
            self._replace(item, held, reason, is_drift=is_drift)
            return
        self.keeps.append(Keep(key, item.source_key))
        for secret in held:
            if secret is not current:
                self._delete(secret, "another secret of the same key", is_duplicate=True)

    def _why_refuse(self, key: str, held: list[RemoteSecret]) -> str:
        """Why the key is not ours to write, "" if it is."""
        if key in self.others.names_by_key:
            return f"the sync “{self.others.names_by_key[key]}” manages this key in the same organization"
        unknown = next((secret.secret_type for secret in held if secret.secret_type not in KNOWN_TYPES), None)
        if unknown is not None:
            return f"in Devin it is a secret of a kind that DevinSync does not know ({unknown[:32]}), and leaves alone"
        return ""

    def _why_replace(self, item: DesiredSecret, current: RemoteSecret | None, known: Known | None) -> tuple[str, bool]:
        """The reason, "" for none, and whether it is drift."""
        if known is None:
            return "DevinSync does not know its value", False
        if known.fingerprint != item.fingerprint:
            return "its value changed in the source", False
        if current is None:
            return "it was replaced in Devin", True
        if drift := drift_of(current, known):
            return drift, True
        if self.options.repush_all and item.destination_key not in self.options.repushed:
            return "all secrets are written again on request", False
        return "", False

    def _replace(self, item: DesiredSecret, held: list[RemoteSecret], reason: str, *, is_drift: bool) -> None:
        others = [secret for secret in held if secret.secret_type != KEY_VALUE]
        self.replaces.append(
            Replace(
                item.destination_key,
                item.source_key,
                old_ids=tuple(secret.secret_id for secret in held),
                old_type=(others or held)[0].secret_type,
                reason=reason,
                is_drift=is_drift,
                is_stranger=not all(self._is_managed(secret) for secret in held),
            )
        )

    def _plan_undesired(self, secret: RemoteSecret) -> None:
        if self.options.disable_deletion:
            return
        if self.options.only_delete_managed and not self._is_managed(secret):
            return
        self._delete(secret, "not in the source")

    def _delete(self, secret: RemoteSecret, reason: str, *, is_duplicate: bool = False) -> None:
        self.deletes.append(
            Delete(
                secret.key or "",
                secret.secret_id,
                secret.secret_type,
                reason,
                is_stranger=not self._is_managed(secret),
                is_duplicate=is_duplicate,
            )
        )


def _by_key(deletes: Iterable[Delete]) -> tuple[Delete, ...]:
    return tuple(sorted(deletes, key=lambda delete: (delete.destination_key, delete.secret_id)))
