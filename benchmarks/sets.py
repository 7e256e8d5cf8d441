"""A sync set over many organizations: what it costs to make them, to find nothing changed, and to pass on one change.

Real worker and scheduler processes. Requests are those that the sandbox saw, so they are exact; at the end each
organization is compared with the folder, value by value.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings
from django.utils import timezone

from benchmarks.fleet import wait_until_idle
from benchmarks.site import Site
from benchmarks.subject import Disagreement, connection_of
from common.waiting import wait_for
from connections.devin.types import RemoteOrganization
from connections.organizations import take_over
from fleets.editing import create_set
from fleets.models import SyncSet
from syncs.choices import Status, Trigger
from syncs.editing import Actor
from syncs.models import DevinSync, SyncRun
from syncs.runs.ask_many import request_runs
from vault.editing import Actor as Editor
from vault.editing import create_environment, create_folder, create_project, set_secrets
from vault.models import Folder

PATIENCE = 1800.0
KEY = "SECRET_0"


@dataclass(frozen=True)
class Phase:
    """What one thing took: seconds, and requests by their method."""

    seconds: float
    requests: Counter[str]


@dataclass(frozen=True)
class Sets:
    organizations: int
    secrets: int
    workers: int
    made: Phase
    unchanged: Phase
    changed: Phase

    @property
    def faults(self) -> list[str]:
        """What was not as it has to be."""
        count, sent = self.organizations, self.changed.requests
        # A key that is taken costs a creation that Devin refuses, where it refuses (`--duplicates`).
        replaced = sent["GET"] == sent["DELETE"] == count and sent["POST"] in (count, 2 * count)
        exact = {
            "an unchanged set: one list each": self.unchanged.requests == {"GET": count},
            "a change of one secret: one list and its writes each": replaced and sent.total() <= 4 * count,
        }
        return [told for told, holds in exact.items() if not holds]


def measure(site: Site, *, organizations: int, secrets: int, workers: int) -> Sets:
    ids = [f"org-set-{number}" for number in range(organizations)]
    site.sandbox.declare(*ids)
    connection = connection_of(site)
    take_over(connection, [RemoteOrganization(org_id, f"Set {org_id[8:]}") for org_id in ids])
    folder = folder_of("sets")
    values = {f"SECRET_{number}": f"first {number}" for number in range(secrets)}
    set_secrets(folder, values, by=Editor.on_command_line())
    with site.workers(workers):
        site.sandbox.forget_traffic()
        began = time.monotonic()
        each = SyncSet(name="all", project=folder.environment.project, folder=folder, connection=connection)
        create_set(each, by=Actor.on_command_line())
        wait_until_made(each, organizations)
        made = end_of(site, began)
        unchanged = phase(site, lambda: request_all(each))
        values[KEY] = "second"
        changed = phase(site, lambda: set_secrets(folder, {KEY: "second"}, by=Editor.on_command_line()))
    check(site, ids, values)
    return Sets(organizations, secrets, workers, made, unchanged, changed)


def folder_of(name: str) -> Folder:
    project = create_project(name=name, slug=name, environments=(), by=Editor.on_command_line())
    environment = create_environment(project, name="Development", slug="dev", by=Editor.on_command_line())
    return create_folder(environment, "/shared", by=Editor.on_command_line())


def wait_until_made(each: SyncSet, organizations: int) -> None:
    syncs = DevinSync.objects.filter(set_id=each.pk)
    if not wait_for(lambda: syncs.count() == organizations, seconds=PATIENCE):
        raise Disagreement(f"Only {syncs.count()} of {organizations} syncs were made.")


def request_all(each: SyncSet) -> None:
    ids = list(DevinSync.objects.filter(set_id=each.pk).values_list("pk", flat=True))
    request_runs(ids, trigger=Trigger.MANUAL)


def phase(site: Site, begin: Callable[[], object]) -> Phase:
    """From here until every run has ended, beginning with what `begin` does. After a burst's pause, which none is to
    have in it."""
    latest = SyncRun.objects.order_by("-started_at").values_list("started_at", flat=True)[0]
    wait_for(lambda: latest is None or timezone.now() > latest + settings.SYNC_QUIET_TIME, seconds=PATIENCE)
    site.sandbox.forget_traffic()
    began = time.monotonic()
    begin()
    return end_of(site, began)


def end_of(site: Site, began: float) -> Phase:
    wait_until_idle()
    seconds = time.monotonic() - began
    if failed := SyncRun.objects.exclude(status=Status.SUCCEEDED).first():
        raise Disagreement(f"A run ended {failed.status}: {failed.message}")
    return Phase(seconds, Counter(entry["method"] for entry in site.sandbox.all_requests()))


def check(site: Site, ids: list[str], values: dict[str, str]) -> None:
    wanted = {key: sha256(value.encode()).hexdigest() for key, value in values.items()}
    for org_id in ids:
        if site.sandbox.digests(org_id) != wanted:
            raise Disagreement(f"{org_id} does not hold what the folder holds.")
