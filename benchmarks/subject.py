"""The engine as the benchmark drives it: a sync from a vault folder to an organization of the sandbox."""

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from benchmarks.site import API_KEY, Site
from connections.models import Connection
from syncs.choices import Status, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.runs import jobs
from syncs.runs.ask import request_run
from vault.editing import Actor, create_environment, create_project, set_secrets
from vault.models import Folder


class Disagreement(Exception):
    """A measurement is worth nothing: the organization does not hold what it should, or a run did not succeed."""


@dataclass(frozen=True)
class Subject:
    sync: DevinSync
    folder: Folder

    @classmethod
    def create(cls, site: Site, name: str) -> "Subject":
        """A project, a folder and a sync to the organization `org-<name>`."""
        site.sandbox.declare(f"org-{name}")
        project = create_project(name=name, slug=name, environments=(), by=Actor.on_command_line())
        create_environment(project, name="Development", slug="dev", by=Actor.on_command_line())
        folder = Folder.objects.select_related("environment__project").get(environment__project=project, path="/")
        sync = DevinSync.objects.create(
            name=name, project=project, folder=folder, connection=connection_of(site), org_id=f"org-{name}"
        )
        return cls(sync, folder)

    def change_source(self, values: Mapping[str, str]) -> None:
        set_secrets(self.folder, values, by=Actor.on_command_line())

    def request_run(self) -> SyncRun:
        """A pending run that may start at once, also where the last one started a moment ago."""
        run = request_run(self.sync, trigger=Trigger.MANUAL)
        SyncRun.objects.filter(pk=run.pk).update(not_before=None)
        return run

    def run(self) -> float:
        """One run in this process, by the queue's entry point: its seconds."""
        run = self.request_run()
        # As the worker does before it forks the process of a run.
        gc.collect()
        gc.freeze()
        started = time.perf_counter()
        jobs.run_sync(str(run.pk))
        seconds = time.perf_counter() - started
        run.refresh_from_db()
        if run.status != Status.SUCCEEDED:
            raise Disagreement(f"The run of {run.sync_name} is {run.status}: {run.message}")
        return seconds


def connection_of(site: Site) -> Connection:
    """The one to the site's sandbox; made if there is none."""
    connection = Connection.objects.filter(base_url=site.sandbox.url).first()
    if connection is None:
        name = f"benchmark at {site.sandbox.url}"
        connection = Connection(name=name, base_url=site.sandbox.url, concurrency=site.concurrency)
        connection.set_api_key(API_KEY)
        connection.save()
    return connection


def require_equal(site: Site, org_id: str, desired: Mapping[str, str]) -> None:
    if site.sandbox.digests(org_id) != {key: sha256(value.encode()).hexdigest() for key, value in desired.items()}:
        raise Disagreement(f"{org_id} does not hold what the source holds.")
