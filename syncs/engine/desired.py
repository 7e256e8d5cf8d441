"""READ SOURCE and TRANSFORM KEYS: what a sync's organization should hold, with fingerprints to compare by."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from encryption import current_key_id, fingerprint, key_id_of
from syncs.engine.plan import Known
from syncs.engine.source import read_source
from syncs.key_schema import KeySchema
from syncs.models import DevinSync
from vault.reading import SourceSecret


@dataclass(frozen=True)
class Desired:
    """The source's secrets by destination key, and their fingerprints under the newest encryption key."""

    secrets: dict[str, SourceSecret] = field(default_factory=dict, repr=False)
    fingerprints: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def values(self) -> dict[str, str]:
        return {key: secret.value for key, secret in self.secrets.items()}


def read_desired(sync: DevinSync) -> Desired:
    """READ SOURCE and TRANSFORM KEYS. Raises SourceProblem or InvalidKeySchema."""
    schema, environment = KeySchema.parse(sync.key_schema), environment_of(sync)
    secrets = {schema.render(secret.key, environment=environment): secret for secret in read_source(sync)}
    sync_id, key_id = str(sync.pk), current_key_id()
    prints = {key: fingerprint(sync_id, key, secret.value, key_id=key_id) for key, secret in secrets.items()}
    return Desired(secrets, prints)


def environment_of(sync: DevinSync) -> str:
    return sync.folder.environment.slug if sync.folder is not None else sync.source_environment


def fingerprints_of(sync: DevinSync, desired: Desired, known: Sequence[Known]) -> dict[str, str]:
    """Each under the encryption key of the ledger's own fingerprint, so that a new key alone changes nothing."""
    newest, sync_id = current_key_id(), str(sync.pk)
    older = {
        entry.destination_key: fingerprint(sync_id, entry.destination_key, secret.value, key_id=key_id)
        for entry in known
        if (key_id := key_id_of(entry.fingerprint)) != newest and (secret := desired.secrets.get(entry.destination_key))
    }
    return desired.fingerprints | older
