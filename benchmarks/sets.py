"""A sync set over many organizations: what it costs to make them, to find nothing changed, and to pass on one change.

Real worker and scheduler processes. Requests are those that the sandbox saw, so they are exact; at the end each
organization is compared with the folder, value by value.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from benchmarks.fleet import wait_until_idle
from benchmarks.site import Site
from benchmarks.subject import Disagreement, connection_of
from common.waiting import wait_for
from connections.devin.types import RemoteOrganization
from connections.organizations import take_over
from fleets.choices import RolloutState
from fleets.editing import change_set, create_set
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
MOST_STATEMENTS = 12


@dataclass(frozen=True)
class Phase:
    """What one thing took: seconds, and requests by their method."""

    seconds: float
    requests: Counter[str]
    # The most requests that were under way together: of all, and to one organization.
    at_once: int
    at_once_to_one: int


@dataclass(frozen=True)
class Sets:
    organizations: int
    secrets: int
    workers: int
    made: Phase
    unchanged: Phase
    changed: Phase
    # Another change of one secret, in waves: first one organization, then a fifth of them at a time.
    in_waves: Phase
    waves: int
    # As many as the connection may have under way, and what the set's page took.
    concurrency: int
    statements: int

    @property
    def faults(self) -> list[str]:
        """What was not as it has to be."""
        count = self.organizations
        exact = {
            "an unchanged set: one list each": self.unchanged.requests == {"GET": count},
            "a change of one secret: one list and its writes each": self._is_replaced_by(self.changed.requests),
            "the same in waves": self._is_replaced_by(self.in_waves.requests),
            "at once no more than the connection says": self.most_at_once <= self.concurrency,
            "the page of the set: statements": self.statements <= MOST_STATEMENTS,
        }
        return [told for told, holds in exact.items() if not holds]

    @property
    def most_at_once(self) -> int:
        return max(phase.at_once for phase in (self.made, self.unchanged, self.changed, self.in_waves))

    def _is_replaced_by(self, sent: Counter[str]) -> bool:
        """A key that is taken costs a creation that Devin refuses, where it refuses (`--duplicates`)."""
        count = self.organizations
        return sent["GET"] == sent["DELETE"] == count and sent["POST"] in (count, 2 * count)


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
        changed = phase(site, lambda: set_secrets(folder, {KEY: "second"}, by=Editor.on_command_line()))
        put_in_waves(each, ids)
        values[KEY] = "third"
        in_waves = phase(site, lambda: roll_out(each, folder))
    check(site, ids, values)
    waves, page = each.rollouts.get().waves, statements_of_page(each)
    counts = (organizations, secrets, workers)
    return Sets(*counts, made, unchanged, changed, in_waves, waves, connection.concurrency, page)


def folder_of(name: str) -> Folder:
    project = create_project(name=name, slug=name, environments=(), by=Editor.on_command_line())
    environment = create_environment(project, name="Development", slug="dev", by=Editor.on_command_line())
    return create_folder(environment, "/shared", by=Editor.on_command_line())


def wait_until_made(each: SyncSet, organizations: int) -> None:
    syncs = DevinSync.objects.filter(set_id=each.pk)
    if not wait_for(lambda: syncs.count() == organizations, seconds=PATIENCE):
        raise Disagreement(f"Only {syncs.count()} of {organizations} syncs were made.")


def put_in_waves(each: SyncSet, ids: list[str]) -> None:
    fields = {"canaries": ids[0], "wave_size": max(1, len(ids) // 5)}
    change_set(each.pk, fields, by=Actor.on_command_line())
    behind = each.members.filter(is_behind=True)
    if not wait_for(lambda: not behind.exists(), seconds=PATIENCE):
        raise Disagreement(f"{behind.count()} syncs were not made like their set.")


def roll_out(each: SyncSet, folder: Folder) -> None:
    set_secrets(folder, {KEY: "third"}, by=Editor.on_command_line())
    done = each.rollouts.filter(state=RolloutState.DONE)
    if not wait_for(done.exists, seconds=PATIENCE):
        raise Disagreement("The rollout did not come to its end.")


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
    sent = site.sandbox.all_requests()
    by_organization = defaultdict(list)
    for entry in sent:
        by_organization[entry["org"]].append(entry)
    to_one = max(map(most_at_once, by_organization.values()), default=0)
    return Phase(seconds, Counter(entry["method"] for entry in sent), most_at_once(sent), to_one)


def most_at_once(sent: Iterable[Mapping[str, Any]]) -> int:
    """How many requests were under way together at most, as the other side saw it. What ends lets the next begin."""
    moments = [(entry["arrived"], 1) for entry in sent]
    moments += [(entry["answered"], -1) for entry in sent if entry["answered"] is not None]
    return max(accumulate(step for _, step in sorted(moments)), default=0)


def statements_of_page(each: SyncSet) -> int:
    """What the page of the set takes, for a person who has looked at it before."""
    Path(settings.STATIC_ROOT).mkdir(exist_ok=True)
    client = Client(SERVER_NAME="localhost")
    person = User.objects.create_superuser("looks-at-the-set")
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    page = each.get_absolute_url()
    # No style sheets have been collected here; nobody sees the page.
    plain = settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(STORAGES=plain):
        client.get(page)
        with CaptureQueriesContext(database) as asked:
            answer = client.get(page)
    if answer.status_code != 200:
        raise Disagreement(f"The page of the set answered {answer.status_code}.")
    return len(asked)


def check(site: Site, ids: list[str], values: dict[str, str]) -> None:
    wanted = {key: sha256(value.encode()).hexdigest() for key, value in values.items()}
    for org_id in ids:
        if site.sandbox.digests(org_id) != wanted:
            raise Disagreement(f"{org_id} does not hold what the folder holds.")
