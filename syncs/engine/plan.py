"""PLAN: desired × existing × ledger × options → changes. Pure: no Django, no network, no clock, no value.

| the key is                       | then                                                                |
| -------------------------------- | ------------------------------------------------------------------- |
| desired, absent                  | Create; Rename, if a secret of ours goes on under it                |
| desired, present, known          | Keep: the ledger has this id and fingerprint, nothing moved         |
| desired, present, anything else  | Replace: unknown or changed value or comment, changed outside, type |
| desired, present more than once  | the others of that key are deleted as duplicates                    |
| in scope, not desired, ours      | Rename, HandOver or Delete; nothing with deletion disabled          |
| in scope, not desired, another's | Delete, ask or leave alone, as the option for strangers says        |
| the same, wanted perhaps         | HeldBack instead of Delete: a sync's source cannot be read          |
| anything else                    | not ours to touch                                                   |

In scope is what matches the key schema or was written by this sync. Personal secrets, secrets without a key or of an
unknown type, and those that another sync manages are never touched; a desired key that one of the latter two holds is
refused. Of ours is renamed what the source has under another key now: the same secret by the source's own id, whatever
its value is now; or else the same source key, or the same value.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from connections.devin.types import RemoteSecret
from syncs.choices import Decision, Strangers
from syncs.engine.changes import (
    UNNAMED,
    Create,
    Delete,
    DesiredSecret,
    HandOver,
    HeldBack,
    Keep,
    Known,
    Options,
    Others,
    Plan,
    Refusal,
    Rename,
    Replace,
    Unread,
    told_sync,
)
from syncs.engine.keys import key_warnings
from syncs.engine.notes import why_other_words

KEY_VALUE = "key-value"
KNOWN_TYPES = frozenset({KEY_VALUE, "cookie", "totp"})

Deletion = TypeVar("Deletion", Delete, HeldBack)


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
    others: Others | None = None,
    is_ours: Callable[[RemoteSecret], bool] = lambda secret: False,
) -> Plan:
    """Deletes the secrets that the sync wrote or adopted, and nothing else; hands over what another sync wants."""
    known, others = {entry.secret_id: entry for entry in ledger}, others or Others()
    mine = [secret for secret in existing if secret.secret_id in known or is_ours(secret)]
    present = [secret for secret in mine if secret.secret_id not in others.secret_ids]
    gone = known.keys() - {secret.secret_id for secret in present}
    unwanted = [(secret, others.unread_for(_key_of(secret))) for secret in present if secret.key not in others.wanters]
    return Plan(
        hand_overs=tuple(_hand_over(secret, others) for secret in present if secret.key in others.wanters),
        deletes=_by_key(
            Delete(_key_of(secret), secret.secret_id, secret.secret_type, "removed on request")
            for secret, unread in unwanted
            if unread is None
        ),
        held_back=_by_key(_held_back(secret, unread) for secret, unread in unwanted if unread),
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
        self.by_id = {entry.secret_id: entry for entry in self.ledger.values()}
        self.keys_by_source = {item.source_key: key for key, item in self.desired.items()}
        self.keys_by_id = {item.source_id: key for key, item in self.desired.items() if item.source_id}
        self.options, self.others, self.is_ours = options, others, is_ours
        self.held: dict[str, list[RemoteSecret]] = defaultdict(list)
        for secret in existing:
            if secret.access_type == "org" and secret.key:
                self.held[secret.key].append(secret)
        self.creates: list[Create] = []
        self.replaces: list[Replace] = []
        self.deletes: list[Delete] = []
        self.keeps: list[Keep] = []
        self.refusals: list[Refusal] = []
        self.hand_overs: list[HandOver] = []
        self.asked: list[Delete] = []
        self.held_back: list[HeldBack] = []
        # Our secrets of former keys, by the key that they go on under.
        self.former: dict[str, list[RemoteSecret]] = defaultdict(list)

    def plan(self) -> Plan:
        for key in sorted(self.desired):
            self._plan_desired(self.desired[key])
        in_scope = [secret for key in self.held for secret in self.held[key] if self._in_scope(secret)]
        for secret in in_scope:
            if secret.key not in self.desired:
                self._plan_undesired(secret)
        plan = Plan(
            creates=tuple(self.creates),
            replaces=tuple(self.replaces),
            hand_overs=tuple(sorted(self.hand_overs, key=lambda change: change.destination_key)),
            deletes=_by_key(self.deletes),
            keeps=tuple(self.keeps),
            refusals=tuple(self.refusals),
            asked=_by_key(self.asked),
            held_back=_by_key(self.held_back),
            forgotten=self._forgotten(),
            in_scope_count=len(in_scope),
            source_count=len(self.desired),
            warnings=tuple(key_warnings(self.desired)),
        )
        return _with_renames(plan, self.former)

    def _forgotten(self) -> tuple[str, ...]:
        """By id: a stranger's secret of the same key must not keep the key ours."""
        held_ids = {secret.secret_id for secrets in self.held.values() for secret in secrets}
        gone = {key for key, entry in self.ledger.items() if entry.secret_id not in held_ids}
        return tuple(sorted(gone - self.desired.keys()))

    def _is_managed(self, secret: RemoteSecret) -> bool:
        return secret.secret_id in self.by_id or self.is_ours(secret)

    def _in_scope(self, secret: RemoteSecret) -> bool:
        if secret.secret_id in self.others.secret_ids or secret.secret_type not in KNOWN_TYPES:
            return False
        return self._is_managed(secret) or self.options.matches(_key_of(secret))

    def _plan_desired(self, item: DesiredSecret) -> None:
        key = item.destination_key
        held, known = self.held.get(key, []), self.ledger.get(key)
        if reason := self._why_refuse(key, held):
            holder = (self.others.names_by_key[key] or UNNAMED) if key in self.others.names_by_key else ""
            may_take_over = key in self.others.stopped
            self.refusals.append(Refusal(key, item.source_key, reason, holder, may_take_over=may_take_over))
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
        self.keeps.append(Keep(key, item.source_key, is_moved=known is not None and _has_moved(item, known)))
        for secret in held:
            if secret is not current:
                self._delete(secret, "another secret of the same key", is_duplicate=True)

    def _why_refuse(self, key: str, held: list[RemoteSecret]) -> str:
        """Why the key is not ours to write, "" if it is."""
        if key in self.others.names_by_key:
            holder = f"{told_sync(self.others.names_by_key[key])} manages this key in the same organization"
            why = self.others.stopped.get(key)
            return f"{holder}, but {why}: take the key over, or mend that sync" if why else holder
        unknown = next((secret.secret_type for secret in held if secret.secret_type not in KNOWN_TYPES), None)
        if unknown is not None:
            return f"in Devin it is a secret of a kind that DevinSync does not know ({unknown}), and leaves alone"
        return ""

    def _why_replace(self, item: DesiredSecret, current: RemoteSecret | None, known: Known | None) -> tuple[str, bool]:
        """The reason, "" for none, and whether it is drift."""
        if known is None or not known.fingerprint:
            return "DevinSync does not know its value", False
        if known.fingerprint != item.fingerprint:
            return "its value changed in the source", False
        if current is None:
            return "it was replaced in Devin", True
        if drift := drift_of(current, known):
            return drift, True
        if self.options.repush_all and item.destination_key not in self.options.repushed:
            return "all secrets are written again on request", False
        return why_other_words(item.words, known.note), False

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
        if not self._is_managed(secret):
            self._plan_stranger(secret)
            return
        key, known = _key_of(secret), self.by_id.get(secret.secret_id)
        if key in self.others.wanters:
            self.hand_overs.append(_hand_over(secret, self.others))
            return
        if self.options.disable_deletion or (known is not None and known.is_adopted):
            return
        new_key = self._goes_on_as(secret, known) if known is not None else None
        if unread := self.others.unread_for(key):
            self.held_back.append(_held_back(secret, unread, goes_on_as=new_key or ""))
        elif new_key:
            self.former[new_key].append(secret)
        else:
            self._delete(secret, self._why_gone(known))

    def _why_gone(self, known: Known | None) -> str:
        return (self.options.why_not(known.source_key) if known is not None else "") or "not in the source"

    def _plan_stranger(self, secret: RemoteSecret) -> None:
        decision, policy = self.options.decisions.get(secret.secret_id), self.options.strangers
        # One that another sync wants is that sync's to replace.
        stays = secret.key in self.others.wanters or decision == Decision.LEAVE or policy == Strangers.LEAVE
        if stays or self.options.disable_deletion:
            return
        is_decided, unread = decision == Decision.DELETE, self.others.unread_for(_key_of(secret))
        if unread and (is_decided or policy != Strangers.ASK):
            self.held_back.append(_held_back(secret, unread, is_stranger=True, is_decided=is_decided))
        elif is_decided:
            self._delete(secret, "not in the source, and a person said to delete it", is_decided=True)
        elif policy == Strangers.ASK:
            reason = "not in the source, and not written by DevinSync"
            self.asked.append(Delete(_key_of(secret), secret.secret_id, secret.secret_type, reason, is_stranger=True))
        else:
            self._delete(secret, "not in the source")

    def _goes_on_as(self, secret: RemoteSecret, known: Known) -> str | None:
        """The desired key that our secret goes on under, if there is one. Not if somebody renamed it in Devin."""
        if secret.key != known.destination_key:
            return None
        found = (
            self.keys_by_id.get(known.source_id),
            self.keys_by_source.get(known.source_key),
            known.renamed_to,
            self.options.renamed.get(known.destination_key),
        )
        return next((key for key in found if key in self.desired), None)

    def _delete(
        self, secret: RemoteSecret, reason: str, *, is_duplicate: bool = False, is_decided: bool = False
    ) -> None:
        self.deletes.append(
            Delete(
                _key_of(secret),
                secret.secret_id,
                secret.secret_type,
                reason,
                is_stranger=not self._is_managed(secret),
                is_duplicate=is_duplicate,
                is_decided=is_decided,
            )
        )


def _has_moved(item: DesiredSecret, known: Known) -> bool:
    return (item.source_key, item.source_id) != (known.source_key, known.source_id)


def _with_renames(plan: Plan, former: Mapping[str, Sequence[RemoteSecret]]) -> Plan:
    """Writes of keys under which secrets of ours go on become renames; a refused key's former ones wait for it."""
    writes: dict[str, Create | Replace] = {change.destination_key: change for change in plan.creates}
    writes |= {change.destination_key: change for change in plan.replaces}
    refused = {refusal.destination_key for refusal in plan.refusals}
    sources = {change.destination_key: change.source_key for change in (*writes.values(), *plan.keeps)}
    renames, waiting = [], []
    for key in sorted(former):
        if key in refused:
            reason = f"it stays until {key} can be written, which replaces it"
            waiting += [Delete(_key_of(one), one.secret_id, one.secret_type, reason) for one in former[key]]
        else:
            renames.append(_rename(key, former[key], writes.get(key), source_key=sources[key]))
    return replace(
        plan.without({change.destination_key for change in renames}),
        renames=tuple(renames),
        waiting=_by_key(waiting),
    )


def _rename(key: str, former: Sequence[RemoteSecret], write: Create | Replace | None, *, source_key: str) -> Rename:
    names = tuple(sorted(_key_of(one) for one in former))
    rename = Rename(
        destination_key=key,
        source_key=source_key,
        former_keys=names,
        former_ids=tuple(one.secret_id for one in former),
        reason=f"until now {', '.join(names)}",
        is_written=write is None,
    )
    if isinstance(write, Replace):
        return replace(rename, old_ids=write.old_ids, old_type=write.old_type, is_stranger=write.is_stranger)
    return rename


def _hand_over(secret: RemoteSecret, others: Others) -> HandOver:
    wanter = others.wanters[_key_of(secret)]
    return HandOver(
        destination_key=_key_of(secret),
        secret_id=secret.secret_id,
        secret_type=secret.secret_type,
        to_sync=wanter.sync,
        reason=f"not in this source, and {told_sync(wanter.name)} wants it",
        to_source_key=wanter.source_key,
    )


def _held_back(
    secret: RemoteSecret, unread: Unread, *, is_stranger: bool = False, is_decided: bool = False, goes_on_as: str = ""
) -> HeldBack:
    return HeldBack(
        destination_key=_key_of(secret),
        secret_id=secret.secret_id,
        secret_type=secret.secret_type,
        reason=f"held, because {told_sync(unread.name)} may want it, and its source cannot be read",
        by=unread,
        is_stranger=is_stranger,
        is_decided=is_decided,
        goes_on_as=goes_on_as,
    )


def _key_of(secret: RemoteSecret) -> str:
    """Without a key is at most a secret that we wrote, to be removed; what is planned for has one."""
    return secret.key or ""


def _by_key(deletes: Iterable[Deletion]) -> tuple[Deletion, ...]:
    return tuple(sorted(deletes, key=lambda delete: (delete.destination_key, delete.secret_id)))
