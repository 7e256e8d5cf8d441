"""From what was read to a plan and a verdict: the same for a worker's run, the wizard's Review step, the admin's "Plan"
and the REST API. Reads the ledger; writes nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from connections.devin.types import RemoteSecret
from encryption import current_key_id, fingerprint, key_id_of
from syncs.engine import guard
from syncs.engine.destination import Organization
from syncs.engine.keys import KeySchema
from syncs.engine.ledger import known_secrets, others_of
from syncs.engine.notes import Tag
from syncs.engine.plan import Desired, Known, Options, Plan, build_plan, build_removal
from syncs.engine.source import read_source
from syncs.errors import Blocked
from syncs.models import Destination, DevinSync, SyncControl
from vault.reading import SourceSecret


@dataclass(frozen=True)
class Wanted:
    """The source's secrets by destination key, and their fingerprints under the newest encryption key."""

    secrets: dict[str, SourceSecret] = field(default_factory=dict, repr=False)
    fingerprints: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def values(self) -> dict[str, str]:
        return {key: secret.value for key, secret in self.secrets.items()}


def read_wanted(sync: DevinSync) -> Wanted:
    """READ SOURCE and TRANSFORM KEYS. Raises SourceProblem or InvalidKeySchema."""
    schema, environment = KeySchema.parse(sync.key_schema), environment_of(sync)
    secrets = {schema.render(secret.key, environment=environment): secret for secret in read_source(sync)}
    sync_id, key_id = str(sync.pk), current_key_id()
    prints = {key: fingerprint(sync_id, key, secret.value, key_id=key_id) for key, secret in secrets.items()}
    return Wanted(secrets, prints)


def environment_of(sync: DevinSync) -> str:
    return sync.folder.environment.slug if sync.folder is not None else sync.source_environment


def fingerprints_of(sync: DevinSync, wanted: Wanted, known: Sequence[Known]) -> dict[str, str]:
    """Each under the encryption key of the ledger's own fingerprint, so that a new key alone changes nothing."""
    newest, sync_id = current_key_id(), str(sync.pk)
    older = {
        entry.destination_key: fingerprint(sync_id, entry.destination_key, secret.value, key_id=key_id)
        for entry in known
        if (key_id := key_id_of(entry.fingerprint)) != newest and (secret := wanted.secrets.get(entry.destination_key))
    }
    return wanted.fingerprints | older


def draw_plan(
    sync: DevinSync,
    destination: Destination,
    wanted: Wanted,
    existing: Sequence[RemoteSecret],
    *,
    repush_all: bool = False,
    repushed: Collection[str] = (),
    taken_away: Collection[str] = (),
) -> Plan:
    known = known_secrets(sync, destination)
    prints = fingerprints_of(sync, wanted, known)
    schema, environment = KeySchema.parse(sync.key_schema), environment_of(sync)
    return build_plan(
        [Desired(key, secret.key, prints[key]) for key, secret in wanted.secrets.items()],
        existing,
        known,
        options=Options(
            matches=lambda key: schema.matches(key, environment=environment),
            disable_deletion=sync.disable_secret_deletion,
            only_delete_managed=sync.only_delete_managed,
            repush_all=repush_all,
            repushed=repushed,
            taken_away=taken_away,
        ),
        others=others_of(sync, destination, existing),
        is_ours=OwnTag(sync),
    )


def draw_removal(sync: DevinSync, destination: Destination, existing: Sequence[RemoteSecret]) -> Plan:
    return build_removal(known_secrets(sync, destination), existing, is_ours=OwnTag(sync))


class OwnTag:
    """Whether a secret's note says that this sync, of this installation, wrote it."""

    def __init__(self, sync: DevinSync) -> None:
        self.instance, self.sync = SyncControl.get().instance_id, sync.short_id

    def read(self, secret: RemoteSecret) -> Tag | None:
        tag = Tag.read(secret.note)
        return tag if tag and (tag.instance, tag.sync) == (self.instance, self.sync) else None

    def __call__(self, secret: RemoteSecret) -> bool:
        return secret.access_type == "org" and self.read(secret) is not None


def newest_generation(sync: DevinSync, existing: Sequence[RemoteSecret]) -> int:
    """The highest generation that this sync's notes at the destination show; 0 if there are none."""
    own = OwnTag(sync)
    return max((tag.generation for secret in existing if own(secret) and (tag := own.read(secret))), default=0)


def check_rollback(sync: DevinSync, existing: Sequence[RemoteSecret]) -> None:
    """Raises Blocked if Devin holds notes from a later run than this database knows of: it was restored."""
    seen = newest_generation(sync, existing)
    if seen > sync.generation:
        raise Blocked(
            f"This database is older than what Devin holds: it knows of {sync.generation} writing runs of this sync, "
            f"the notes in Devin tell of {seen}. It was probably restored from a backup, so its secrets may be out of "
            "date. Bring the source up to date, then choose “Sync now, trust this database”.",
            reason="rollback",
        )


@dataclass(frozen=True)
class Preview:
    """A plan that nobody has carried out, and whether the guard would let it pass."""

    plan: Plan
    blocked: Blocked | None


def preview(sync: DevinSync) -> Preview:
    """The plan of a sync, saved or not, against the organization as it is now. Raises SyncError."""
    wanted = read_wanted(sync)
    destination = sync.destination()
    with Organization.open(sync.connection, sync.org_id) as organization:
        existing = organization.list_secrets()
    plan = draw_plan(sync, destination, wanted, existing)
    return Preview(plan, verdict(sync, plan, existing))


def verdict(sync: DevinSync, plan: Plan, existing: Sequence[RemoteSecret]) -> Blocked | None:
    try:
        check_rollback(sync, existing)
        guard.check(plan, limits=limits_of(sync), confirmation=guard.Confirmation())
    except Blocked as blocked:
        return blocked
    return None


def limits_of(sync: DevinSync) -> guard.Limits:
    return guard.Limits(sync.guard_max_deletions, sync.guard_max_percent)
