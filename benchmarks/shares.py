"""Whether anybody waits behind all of somebody else's: counts and order, which say the same on any machine."""

import time
from dataclasses import dataclass
from uuid import UUID

from benchmarks.fleet import wait_until_idle
from benchmarks.reaction import PAUSE, wait_until
from benchmarks.site import Site
from benchmarks.subject import Disagreement, Subject
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask_many import request_runs
from vault.editing import Actor, create_folder, set_secrets
from vault.models import Folder

ORGANIZATIONS = 50
SECRETS_OF_A_SMALL_ONE = ("A", "B", "C", "D", "E")
PATIENCE = 900.0


@dataclass(frozen=True)
class Burst:
    """Runs of one project, and a change of another one while they wait."""

    runs: int
    workers: int
    # Of the burst: what waited when the change was made, and what was started after that and before the change's run.
    waiting: int
    before: int
    seconds: float
    drained: float


@dataclass(frozen=True)
class Large:
    """A sync that writes many secrets, and small ones of the same project that are asked for once it has begun."""

    secrets: int
    small: int
    ended_before: int
    small_seconds: float
    seconds: float


def measure_burst(site: Site, *, runs: int, workers: int) -> Burst:
    bursting, other = Subject.create(site, "burst"), Subject.create(site, "late")
    syncs = more_syncs(site, bursting, bursting.folder, runs)
    for subject in (bursting, other):
        subject.change_source({"SECRET": "first"})
    with site.workers(workers):
        wait_until_idle()
        time.sleep(PAUSE)
        began = time.monotonic()
        burst = SyncRun.objects.filter(pk__in=request_runs(syncs, trigger=Trigger.MANUAL))
        # Whoever started at once was rung for without a note.
        unheard = burst.filter(rung_at=None, status=Status.PENDING)
        wait_until(lambda: not unheard.exists(), "all bells to be rung", patience=PATIENCE)
        waiting = burst.filter(status=Status.PENDING).count()
        other.change_source({"SECRET": "second"})
        late = SyncRun.objects.filter(sync=other.sync).latest("queued_at")
        wait_until_idle()
        drained = time.monotonic() - began
    late.refresh_from_db()
    require_success()
    if late.started_at is None:
        raise Disagreement("The change started no run.")
    before = burst.filter(started_at__gt=late.queued_at, started_at__lt=late.started_at).count()
    return Burst(runs, workers, waiting, before, (late.started_at - late.queued_at).total_seconds(), drained)


def more_syncs(site: Site, subject: Subject, folder: Folder, count: int) -> list[UUID]:
    """Of a folder of the subject's project, each under keys of its own, over some organizations."""
    orgs = [f"{subject.sync.org_id}-{number}" for number in range(ORGANIZATIONS)]
    site.sandbox.declare(*orgs)
    same = {"project": subject.sync.project, "folder": folder, "connection": subject.sync.connection}
    syncs = [
        DevinSync.objects.create(
            **same, name=f"{subject.sync.name}-{number}", org_id=orgs[number % ORGANIZATIONS],
            key_schema=f"S{number}_{{{{secretKey}}}}",
        )
        for number in range(count)
    ]  # fmt: skip
    return [sync.pk for sync in syncs]


def measure_large(site: Site, *, secrets: int, small: int, workers: int) -> Large:
    large = Subject.create(site, "large")
    folder = create_folder(large.folder.environment, "/small", by=Actor.on_command_line())
    set_secrets(folder, dict.fromkeys(SECRETS_OF_A_SMALL_ONE, "value"), by=Actor.on_command_line())
    DevinSync.objects.filter(pk=large.sync.pk).update(auto_sync_enabled=False)
    large.change_source({f"SECRET_{number:05}": "value" for number in range(secrets)})
    syncs = more_syncs(site, large, folder, small)
    with site.workers(workers):
        began = time.monotonic()
        run = SyncRun.objects.filter(pk__in=request_runs([large.sync.pk], trigger=Trigger.MANUAL))
        wait_until(lambda: run.filter(status=Status.RUNNING).exists(), "the large sync to begin", patience=PATIENCE)
        asked = time.monotonic()
        runs = SyncRun.objects.filter(pk__in=request_runs(syncs, trigger=Trigger.MANUAL))
        wait_until(lambda: not runs.filter(finished_at=None).exists(), "the small ones to end", patience=PATIENCE)
        small_seconds = time.monotonic() - asked
        wait_until_idle()
        seconds = time.monotonic() - began
    require_success()
    return Large(secrets, small, runs.filter(finished_at__lt=run.get().finished_at).count(), small_seconds, seconds)


def require_success() -> None:
    failed = SyncRun.objects.exclude(status=Status.SUCCEEDED).first()
    if failed is not None:
        raise Disagreement(f"The run of {failed.sync_name} is {failed.status}: {failed.message}")
