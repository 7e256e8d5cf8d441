"""The peak memory of planning a large sync, in a process of its own: source, destination and ledger equally large.

Half of the secrets have changed in the source.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.planning import OPENING
from benchmarks.site import ROOT, Site
from benchmarks.subject import Subject
from encryption import fingerprint
from syncs.engine.destination import Organization
from syncs.models import ManagedSecret

MIB = 1024 * 1024


@dataclass(frozen=True)
class Memory:
    """Bytes: once everything is imported, and at the peak."""

    secrets: int
    imported: int
    peak: int


def measure(site: Site, count: int) -> Memory:
    sync_id = prepare(site, count)
    command = (sys.executable, "-m", "benchmarks.planning", sync_id)
    output = subprocess.run(command, cwd=ROOT, env=os.environ, check=True, capture_output=True, text=True).stdout
    measured = json.loads(output.rpartition(OPENING)[2])
    return Memory(count, measured["imported"], measured["peak"])


def prepare(site: Site, count: int) -> str:
    """Source, destination and ledger, put there directly: writing them all would take minutes."""
    subject = Subject.create(site, "memory")
    values = {f"SECRET_{number:05}": f"value {number}, " + "x" * 40 for number in range(count)}
    subject.change_source(values)
    for key, value in values.items():
        site.sandbox.put(subject.sync.org_id, key=key, value=value, note="Synced by DevinSync")
    remember(subject, values)
    return str(subject.sync.pk)


def remember(subject: Subject, values: dict[str, str]) -> None:
    """The ledger as a run would have left it, but for every second value, which was another one then."""
    sync, destination = subject.sync, subject.sync.destination()
    with Organization.open(sync.connection, sync.org_id) as organization:
        existing = organization.list_secrets()
    rows = [
        ManagedSecret(
            sync=sync,
            destination=destination,
            destination_key=secret.key,
            source_key=secret.key,
            secret_id=secret.secret_id,
            fingerprint=fingerprint(str(sync.pk), secret.key, values[secret.key] if number % 2 else "another"),
            note=secret.note or "",
            modified_at=secret.modified_at,
        )
        for number, secret in enumerate(existing)
        if secret.key
    ]
    ManagedSecret.objects.bulk_create(rows, batch_size=500)
