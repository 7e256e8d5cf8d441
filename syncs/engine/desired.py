"""READ SOURCE and TRANSFORM KEYS: what a sync's organization should hold, with fingerprints to compare by."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from encryption import current_key_id, fingerprint, key_id_of
from sources.protocol import SourceSecret
from syncs.engine.changes import Known
from syncs.engine.notes import words_of_comment
from syncs.engine.rows import storable
from syncs.engine.source import read_source
from syncs.models import DevinSync
from syncs.naming import Naming

# Bytes to hash, in all pairs of a former and a new key, with what each hash costs besides: a few seconds' work.
MOST_COMPARED = 300_000_000
EACH_COSTS = 200
MOST_NAMED = 10
# As much of a source's id as the ledger keeps.
LONGEST_ID = 255


@dataclass(frozen=True)
class Desired:
    """The source's secrets by destination key, and their fingerprints under the newest encryption key."""

    secrets: dict[str, SourceSecret] = field(default_factory=dict, repr=False)
    fingerprints: dict[str, str] = field(default_factory=dict, repr=False)
    words: dict[str, str] = field(default_factory=dict, repr=False)
    """Those of the notes that hold a comment, where the sync sends comments."""
    read: Sequence[SourceSecret] = field(default=(), repr=False)
    """All that the source has there, chosen or not."""
    left_out: dict[str, str] = field(default_factory=dict)
    """The keys of those that are not chosen for their tags alone, by what they would be called."""
    idle_tags: list[str] = field(default_factory=list)
    """What is to choose secrets and is like no tag of any."""

    @property
    def values(self) -> dict[str, str]:
        return {key: secret.value for key, secret in self.secrets.items()}

    @property
    def origins(self) -> dict[str, str]:
        """The source's own ids by destination key. One that several secrets have tells none of them from the others."""
        ids = {key: storable(secret.id)[:LONGEST_ID] for key, secret in self.secrets.items()}
        counts = Counter(ids.values())
        return {key: found if counts[found] == 1 else "" for key, found in ids.items()}

    @property
    def left_out_count(self) -> int:
        """How many the source has besides, which are not chosen."""
        return max(len(self.read) - len(self.secrets), 0)

    def ids_behind(self, keys: Iterable[str]) -> Iterator[str]:
        """The source's own ids of secrets that would have these keys, also where their tags leave them out."""
        read = {secret.key: secret.id for secret in self.read}
        for key in keys:
            if key in self.secrets:
                yield self.secrets[key].id
            elif key in self.left_out:
                yield read[self.left_out[key]]

    @property
    def remarks(self) -> list[str]:
        """What the source says of values, a sentence each remark."""
        told: dict[str, list[str]] = {}
        for key, secret in sorted(self.secrets.items()):
            if secret.remark:
                told.setdefault(secret.remark, []).append(key)
        return [*map(no_such_tag, self.idle_tags), *(f"{_some(keys)}: {remark}" for remark, keys in told.items())]


def no_such_tag(pattern: str) -> str:
    return f"No secret of the source carries the tag {pattern}, so nothing is synced for it."


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return ", ".join(keys[:MOST_NAMED]) + more


def read_desired(sync: DevinSync, *, patience: timedelta | None = None) -> Desired:
    """READ SOURCE and TRANSFORM KEYS. Raises SourceProblem or InvalidKeySchema."""
    naming, found = Naming.of(sync), read_source(sync, patience=patience)
    read = {secret.key: secret for secret in found}
    secrets = {name: read[key] for name, key in naming.names({key: one.tags for key, one in read.items()}).items()}
    sync_id, key_id = str(sync.pk), current_key_id()
    prints = {key: fingerprint(sync_id, key, secret.value, key_id=key_id) for key, secret in secrets.items()}
    words = {key: words_of_comment(secret.comment) for key, secret in secrets.items() if sync.send_comments}
    return Desired(secrets, prints, words, found, _left_out(naming, found), naming.idle_tags(_tags_in(found)))


def _left_out(naming: Naming, read: Iterable[SourceSecret]) -> dict[str, str]:
    return {
        naming.render(secret.key): secret.key
        for secret in read
        if naming.takes_key(secret.key) and not naming.takes_tags(secret.tags)
    }


def _tags_in(read: Iterable[SourceSecret]) -> set[str]:
    return {tag for secret in read for tag in secret.tags}


def fingerprints_of(sync: DevinSync, desired: Desired, known: Sequence[Known]) -> dict[str, str]:
    """Each as the ledger's own was made: under its encryption key and for its sync, so that neither a new key nor a new
    owner alone changes anything."""
    own_id, newest = sync.pk, current_key_id()
    others = {
        entry.destination_key: _fingerprint(sync, entry, secret.value)
        for entry in known
        if (secret := desired.secrets.get(entry.destination_key))
        and entry.fingerprint
        and (key_id_of(entry.fingerprint) != newest or entry.fingerprinted_for not in (None, own_id))
    }
    return desired.fingerprints | others


def with_former_keys(sync: DevinSync, desired: Desired, known: Sequence[Known]) -> dict[str, str]:
    """Keys of the ledger that the source lacks, with the new key that it has the very same value under.

    One new key stands for one former key, so that many secrets of one value do not pass for one that was renamed. What
    goes on by its id or its key in the source needs no such guess, and where it goes is no longer free.
    """
    lacking = [entry for entry in known if entry.destination_key not in desired.secrets]
    sure = _surely_renamed(desired, lacking)
    former = [entry for entry in lacking if entry.fingerprint and entry.destination_key not in sure]
    taken = {entry.destination_key for entry in known}.union(sure.values())
    free = sorted(key for key in desired.secrets if key not in taken)
    if len(former) * sum(EACH_COSTS + len(desired.secrets[key].value) for key in free) > MOST_COMPARED:
        return {}
    renamed: dict[str, str] = {}
    for entry in former:
        for new_key in free:
            if _fingerprint(sync, entry, desired.secrets[new_key].value) == entry.fingerprint:
                renamed[entry.destination_key] = new_key
                free.remove(new_key)
                break
    return renamed


def _surely_renamed(desired: Desired, lacking: Sequence[Known]) -> dict[str, str]:
    """What the planner finds by itself: keys with the new one that the same secret of the source has now."""
    by_id = {found: key for key, found in desired.origins.items() if found}
    by_key = {secret.key: key for key, secret in desired.secrets.items()}
    found = {each.destination_key: by_id.get(each.source_id) or by_key.get(each.source_key) for each in lacking}
    return {former: key for former, key in found.items() if key}


def _fingerprint(sync: DevinSync, entry: Known, value: str) -> str:
    """What the ledger's fingerprint would be if this were its value."""
    owner = entry.fingerprinted_for or sync.pk
    return fingerprint(str(owner), entry.destination_key, value, key_id=key_id_of(entry.fingerprint))
