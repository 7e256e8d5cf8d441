"""`python -m tests.releases.carry_on FILE`: what is true of a database that an older version left; then its syncs go
on, against a sandbox that holds what FILE says. Prints as JSON the facts, what each run did, and what each organization
holds then."""

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

from sandbox.server import Sandbox
from tests.releases.environment import API_KEY, DEVIN
from tests.releases.facts import tell
from tests.releases.fill import carry_out, open_sandbox


def carry_on(sandbox: Sandbox) -> dict[str, Any]:
    from syncs.models import DevinSync

    lead_to(sandbox.url)
    settle_what_died()
    names = list(DevinSync.objects.filter(is_enabled=True).order_by("name").values_list("name", flat=True))
    first, again = [{name: told(carry_out(name)) for name in names} for _ in range(2)]
    return {"first": first, "again": again, "devin": held_by(sandbox), "wanted": wanted(names)}


def look() -> dict[str, Any]:
    """Raises CommandError or SystemExit for what a check or a command finds wrong."""
    from django.core.management import call_command

    call_command("check", databases=["default"], stdout=StringIO())
    call_command("migrate", check_unapplied=True, verbosity=0)
    for command in ("verify_vault", "verify_audit"):
        call_command(command, stdout=StringIO())
    return tell()


def lead_to(url: str) -> None:
    """The sandbox has another port than then. In earnest the address of Devin is the same."""
    from connections.models import Connection
    from syncs.models import Destination, DevinSync

    for connection in Connection.objects.filter(base_url=DEVIN):
        connection.base_url = url
        connection.set_api_key(API_KEY)
        connection.save()
    Destination.objects.filter(base_url=DEVIN).update(base_url=url)
    DevinSync.objects.filter(agreed_base_url=DEVIN).update(agreed_base_url=url)


def settle_what_died() -> None:
    """As a worker does that hears of a run whose lease is over."""
    from syncs.engine.lease import Lease
    from syncs.models import SyncRun
    from syncs.runs import jobs

    # Nothing of what the dead process sent is still under way: there is nothing to wait for.
    Lease.quarantine = lambda *_: None  # type: ignore[method-assign]
    for run in SyncRun.objects.filter(finished_at=None):
        jobs.run_sync(str(run.pk))


def told(run: Any) -> list[Any]:
    return [run.status, run.created_count, run.replaced_count, run.deleted_count, run.failed_count]


def held_by(sandbox: Sandbox) -> dict[str, dict[str, list[str]]]:
    """By organization and key the digests of its values: of one, if all is well."""
    found: dict[str, dict[str, list[str]]] = {}
    for organization in sandbox.directory.organizations():
        keys = found.setdefault(organization.org_id, {})
        for secret in organization.secrets():
            keys.setdefault(str(secret.key), []).append(secret.sha256)
    return found


def wanted(names: list[str]) -> dict[str, dict[str, str]]:
    """What each organization should hold, by the syncs' sources."""
    from sandbox.organization import digest
    from syncs.models import DevinSync
    from vault.reading import read_secrets

    found: dict[str, dict[str, str]] = {}
    for sync in DevinSync.objects.filter(name__in=names).select_related("folder"):
        assert sync.folder is not None
        schema = sync.key_schema or "{{secretKey}}"
        found[sync.org_id] = {
            schema.replace("{{secretKey}}", secret.key): digest(secret.value)
            for secret in read_secrets(sync.folder, recursive=sync.recursive)
        }
    return found


def main() -> None:
    import django

    django.setup()
    with open_sandbox(Path(sys.argv[1])) as sandbox:
        print(json.dumps({"facts": look()} | carry_on(sandbox)))


if __name__ == "__main__":
    main()
