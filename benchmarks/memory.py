"""The peak memory of planning a large sync, in a process of its own: source, destination and ledger equally large.

Half of the secrets have changed in the source. The process does what the wizard's Review step does, and a worker before
its first write.
"""

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.site import ROOT, Site, load_django
from encryption import fingerprint

MIB = 1024 * 1024
OPENING = "memory: "


@dataclass(frozen=True)
class Memory:
    """Bytes: once everything is imported, and at the peak."""

    secrets: int
    imported: int
    peak: int


def measure(site: Site, count: int) -> Memory:
    pk = prepare(site, count)
    command = (sys.executable, "-m", "benchmarks.memory", pk)
    output = subprocess.run(command, cwd=ROOT, env=os.environ, check=True, capture_output=True, text=True).stdout
    measured = json.loads(output.rpartition(OPENING)[2])
    return Memory(count, measured["imported"], measured["peak"])


def prepare(site: Site, count: int) -> str:
    """Source, destination and ledger, put there directly: writing them all would take minutes."""
    from benchmarks.subject import Subject

    subject = Subject.create(site, "memory")
    site.sandbox.set_latency(0)
    values = {f"SECRET_{number:05}": f"value {number}, " + "x" * 40 for number in range(count)}
    subject.change_source(values)
    for key, value in values.items():
        site.sandbox.put(subject.sync.org_id, key=key, value=value, note="Synced by DevinSync")
    remember(subject, values)
    site.sandbox.set_latency(site.latency)
    return str(subject.sync.pk)


def remember(subject: "Subject", values: dict[str, str]) -> None:
    """The ledger as a run would have left it, but for every second value, which it wrote otherwise."""
    from syncs.engine.destination import Organization
    from syncs.models import ManagedSecret

    sync = subject.sync
    with Organization.open(sync.connection, sync.org_id) as organization:
        existing = organization.list_secrets()
    ManagedSecret.objects.bulk_create(
        [
            ManagedSecret(
                sync=sync,
                destination=sync.destination(),
                destination_key=secret.key,
                source_key=secret.key,
                secret_id=secret.secret_id,
                fingerprint=fingerprint(str(sync.pk), secret.key, values[secret.key] if number % 2 else "other"),
                note=secret.note,
                modified_at=secret.modified_at,
            )
            for number, secret in enumerate(existing)
            if secret.key
        ],
        batch_size=500,
    )


def main(pk: str) -> None:
    load_django()
    from syncs import jobs  # noqa: F401 - what a worker has imported
    from syncs.engine.draw import preview
    from syncs.models import DevinSync

    sync = DevinSync.objects.select_related("folder__environment", "connection").get(pk=pk)
    imported = peak_memory()
    plan = preview(sync).plan
    if not plan.replaces or not plan.keeps:
        raise AssertionError("The plan is not the one that was to be measured.")
    print(OPENING + json.dumps({"imported": imported, "peak": peak_memory()}))


def peak_memory() -> int:
    """Bytes that this process has had in memory at most."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux counts in ru_maxrss also what the parent had when it started this process.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main(sys.argv[1])
