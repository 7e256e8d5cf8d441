"""`python -m benchmarks.planning SYNC_ID`: plans once and tells how much memory that took.

It does what a worker does before its first write, and what the wizard's Review step does.
"""

import json
import resource
import sys
from pathlib import Path

from benchmarks.site import load_django

OPENING = "memory: "


def main(sync_id: str) -> None:
    load_django()
    # They import models; a worker has imported all of it before a run begins.
    from syncs.engine.preview import preview
    from syncs.models import DevinSync
    from syncs.runs import jobs  # noqa: F401

    sync = DevinSync.objects.with_source().select_related("connection").get(pk=sync_id)
    imported = peak_memory()
    plan = preview(sync).plan
    if not plan.replaces or not plan.keeps:
        raise AssertionError("The plan is not the one that was to be measured.")
    print(OPENING + json.dumps({"imported": imported, "peak": peak_memory()}))


def peak_memory() -> int:
    """Bytes that this process has had in memory at most."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux ru_maxrss counts also what the parent had when it started this process.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main(sys.argv[1])
