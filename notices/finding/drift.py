"""Runs that found secrets changed or gone in Devin, and put them right."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.urls import reverse

from common import clock
from notices.facts import Fact, counted
from notices.models import Incident
from syncs.choices import Status
from syncs.models import SyncRun, SyncRunChange

DRIFT = "drift"
# What is older than that when it is first seen is no news.
NEWS = timedelta(days=1)


def repaired() -> Iterator[Fact]:
    """Those that no incident tells of yet."""
    ended = SyncRun.objects.filter(finished_at__gte=clock.now() - NEWS, drifted_count__gt=0, status=Status.SUCCEEDED)
    found = {f"run:{run.pk}": run for run in ended.select_related("sync__project")}
    told = Incident.objects.filter(event=DRIFT, subject__in=found).values_list("subject", flat=True)
    new = [run for subject, run in found.items() if subject not in set(told)] if found else []
    keys = _keys_of(new)
    for run in new:
        count = f"{run.drifted_count} secret{'' if run.drifted_count == 1 else 's'}"
        yield Fact(
            f"run:{run.pk}",
            f"Sync “{run.sync_name}” repaired {count} that somebody had changed or deleted in Devin",
            f"In {run.org_id}: {counted(keys[run.pk])}.",
            reverse("admin:syncs_syncrun_change", args=[run.pk]),
            run.sync.project_id if run.sync else None,
            run.sync_id,
        )


def _keys_of(runs: list[SyncRun]) -> dict[UUID, list[str]]:
    keys: defaultdict[UUID, list[str]] = defaultdict(list)
    rows = SyncRunChange.objects.filter(run__in=runs, is_drift=True).order_by("destination_key")
    for run_id, key in rows.values_list("run_id", "destination_key") if runs else ():
        keys[run_id].append(key)
    return keys
