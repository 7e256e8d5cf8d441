"""`manage.py demo_data`: sample data, one sync of it through the real queue, its history, and a look at the result."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import requests
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from connections.errors import ConnectionFailed
from demo import sample
from demo.fleet import ensure_fleet
from demo.infisical import ensure_infisical, ensure_infisical_sync
from demo.openbao import ensure_openbao, ensure_openbao_sync
from sources.errors import SourceError
from syncs.choices import Status, Strangers, Trigger
from syncs.errors import SyncError
from syncs.models import DevinSync, ManagedSecret, SyncRun
from syncs.naming import Naming
from syncs.runs.ask import request_run
from syncs.runs.waiting import wait_for_end
from vault.errors import VaultError

SECONDS_FOR_RUN = 90.0


class Command(BaseCommand):
    help = "Makes the demo's sample data where it is missing, syncs it, and checks that the sandbox holds exactly that."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--sandbox", required=True, metavar="URL", help="where `python -m sandbox` listens")
        parser.add_argument(
            "--openbao", metavar="URL", help="sync from an OpenBao in place of the vault; DEMO_OPENBAO_TOKEN rules it"
        )
        parser.add_argument("--infisical", metavar="URL", help="sync from where `python -m sandbox.infisical` listens")
        parser.add_argument("--fleet", action="store_true", help="know every organization of the sandbox by name")
        parser.add_argument("--site", metavar="URL", default="http://127.0.0.1:8000", help="where DevinSync is reached")

    def handle(self, *args: Any, **options: Any) -> None:
        url = options["sandbox"].rstrip("/")
        try:
            fleet = ensure_fleet(url) if options["fleet"] else None
            sync, run = ask_for_sample(url, options)
            run = wait_for_end_of(run)
            desired = desired_of(sync)
        except (VaultError, SourceError, ConnectionFailed, SyncError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"\n{sync.source_label} of {sync.project.slug} to {sync.org_id} in the Devin sandbox\n\n")
        for line in draw_table([("Key in Devin", "Change", "Outcome"), *history_of(run, desired)]):
            self.stdout.write(line)
        self.stdout.write(f"\n{run.get_status_display()}: {run.summary}. Requests to Devin: {run.requests_sent}.")
        if run.status != Status.SUCCEEDED:
            raise CommandError(f"The run {run.status}: {run.message}")
        others = check_sandbox(url, sync.org_id, desired, is_foreign=lambda key: is_foreign(sync, key))
        besides = f", and {others} that this sync leaves alone" if others else ""
        self.stdout.write(f"The sandbox holds exactly these {len(desired)} secrets{besides}.")
        if fleet is not None:
            count = fleet.organizations.filter(gone_at=None).count()
            self.stdout.write(f"{fleet.name} reaches {count} organizations, each known by its name.")


def ask_for_sample(sandbox_url: str, options: Mapping[str, Any] = MappingProxyType({})) -> tuple[DevinSync, SyncRun]:
    """The sync and a run of it, which is the sync's first if it was made just now."""
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if user is None:
        raise CommandError("There is no superuser. Run `manage.py prepare` first.")
    connection = sample.ensure_connection(sandbox_url)
    make_sync: Callable[[], DevinSync]
    if url := options.get("openbao"):
        make_sync = partial(ensure_openbao_sync, ensure_openbao(url, os.environ["DEMO_OPENBAO_TOKEN"], user), user)
    elif url := options.get("infisical"):
        make_sync = partial(ensure_infisical_sync, ensure_infisical(url, options["site"], user), user)
    else:
        make_sync = partial(sample.ensure_sync, sample.ensure_project(user), connection, user)
    # A new sync asks for a run. In one transaction no worker can have carried that out before we ask for ours.
    with transaction.atomic():
        sync = make_sync()
        return sync, request_run(sync, trigger=Trigger.COMMAND)


def wait_for_end_of(run: SyncRun) -> SyncRun:
    run = wait_for_end(run.pk, seconds=SECONDS_FOR_RUN) or run
    if not run.is_finished:
        raise CommandError(
            f"The run is still {run.status} after {SECONDS_FOR_RUN:.0f} s. "
            "Is a worker running, and are syncs not paused?"
        )
    return run


def desired_of(sync: DevinSync) -> dict[str, str]:
    """What the destination must hold now: its keys, each with the digest of its value."""
    with sync.open_source() as source:
        digests = {
            secret.key: hashlib.sha256(secret.value.encode()).hexdigest()
            for secret in source.read(sync.place, recursive=sync.recursive)
        }
    return {name: digests[key] for name, key in Naming.of(sync).names(dict.fromkeys(digests, ())).items()}


def history_of(run: SyncRun, desired: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    changed = set()
    for change in run.changes.all():
        changed.add(change.destination_key)
        yield change.destination_key, change.get_action_display(), change.get_outcome_display()
    for key in sorted(set(desired) - changed):
        yield key, "Keep", "Up to date" if run.status == Status.SUCCEEDED else "Not attempted"


def draw_table(rows: list[tuple[str, str, str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for number, row in enumerate(rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def is_foreign(sync: DevinSync, key: str) -> bool:
    """Whether this sync rightly leaves the key alone: a later demo finds what a person has made meanwhile."""
    if sync.disable_secret_deletion or sync.strangers != Strangers.DELETE:
        return True
    if not Naming.of(sync).matches(key):
        return True
    managed = ManagedSecret.objects.filter(destination__org_id=sync.org_id, destination_key=key)
    return managed.exclude(sync=sync).exists()


def check_sandbox(
    url: str, org_id: str, desired: dict[str, str], *, is_foreign: Callable[[str], bool] = lambda key: False
) -> int:
    """Asks the sandbox itself, past DevinSync's own client and ledger. Returns how many others it holds."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(f"{url}/_sandbox/organizations/{org_id}", timeout=10)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise CommandError(f"The sandbox at {url} does not say what it holds ({type(error).__name__}).") from error
    everything = answer.json()["secrets"]
    secrets = [secret for secret in everything if secret["key"] in desired or not is_foreign(str(secret["key"]))]
    held = {secret["key"]: secret["sha256"] for secret in secrets}
    wrong = sorted(str(key) for key in held.keys() | desired.keys() if held.get(key) != desired.get(key))
    if wrong or len(secrets) != len(desired):
        names = ", ".join(wrong) or "keys that stand twice"
        raise CommandError(f"The sandbox holds {len(secrets)} secrets; {len(desired)} were expected. Look at: {names}.")
    return len(everything) - len(secrets)
