"""`python -m tests.releases.facts`: what is true of the installation that the environment names, as JSON.

Told in names and values, not in rows and columns, so that what one version wrote can be asked of a later one.
"""

import json
from collections import Counter
from typing import Any


def tell() -> dict[str, Any]:
    return {
        "people": people(),
        "values": values(),
        "labels": labels(),
        "imports": imports(),
        "trash": trash(),
        "connections": connections(),
        "syncs": syncs(),
        "ledger": ledger(),
        "runs": runs(),
        "programs": programs(),
        "log": log(),
    }


def people() -> dict[str, list[str]]:
    from django.contrib.auth.models import User

    # The user of a program is named by a random id.
    found = User.objects.filter(machine_identity=None).order_by("username")
    return {user.username: sorted(user.groups.values_list("name", flat=True)) for user in found}


def values() -> dict[str, list[str]]:
    """By place, each version of a value, oldest first."""
    from vault.models import Secret
    from vault.values import open_value, open_version

    found = {}
    for secret in Secret.objects.order_by("pk"):
        versions = [open_version(row, key=secret.key) for row in secret.versions.order_by("version")]
        assert versions[-1] == open_value(secret)
        found[place_of(secret)] = versions
    return dict(sorted(found.items()))


def labels() -> dict[str, dict[str, Any]]:
    from vault.models import Secret

    return {
        place_of(secret): {
            "comment": secret.comment,
            "literal": secret.is_literal,
            "owner": secret.owner,
            "rotate_by": str(secret.rotate_by or ""),
            "tags": secret.tag_slugs,
            "metadata": sorted(secret.metadata.values_list("key", flat=True)),
        }
        for secret in Secret.objects.order_by("folder__path", "key")
    }


def imports() -> list[str]:
    from vault.models import SecretImport

    return sorted(f"{row.folder} <- {row.source}" for row in SecretImport.objects.all())


def trash() -> list[str]:
    from vault.models import TrashEntry

    return sorted(f"{entry.kind} {entry.place} {entry.name}" for entry in TrashEntry.objects.all())


def connections() -> dict[str, list[Any]]:
    from connections.models import Connection

    found = Connection.objects.order_by("name")
    return {connection.name: [connection.base_url, connection.credentials()] for connection in found}


def syncs() -> dict[str, list[Any]]:
    from syncs.models import DevinSync

    return {
        sync.name: [
            sync.org_id,
            sync.project.slug,
            sync.source_environment,
            sync.source_path,
            sync.key_schema,
            sync.is_enabled,
        ]
        for sync in DevinSync.objects.order_by("name")
    }


def ledger() -> dict[str, str]:
    """The id in Devin of each key that we wrote."""
    from syncs.models import ManagedSecret

    rows = ManagedSecret.objects.select_related("sync").order_by("sync__name", "destination_key")
    return {f"{row.sync.name}: {row.destination_key}": row.secret_id for row in rows}


def runs() -> dict[str, int]:
    """How many there are of each sync, trigger and end, but for scheduled ones, which may be counted and go."""
    from syncs.models import SyncRun

    rows = SyncRun.objects.exclude(trigger="schedule")
    return dict(sorted(Counter(f"{row.sync_name} {row.trigger} {row.status}" for row in rows).items()))


def programs() -> list[str]:
    from api.models import ApiToken, ClientSecret, MachineIdentity

    return sorted(
        [
            *(f"token {row.name} {row.prefix}" for row in ApiToken.objects.all()),
            *(f"identity {row.name} {row.client_id}" for row in MachineIdentity.objects.all()),
            *(f"client secret {row.prefix}" for row in ClientSecret.objects.all()),
        ]
    )


def log() -> list[str]:
    from audit.models import Entry

    return [f"{entry.action} {entry.name}" for entry in Entry.objects.order_by("pk")]


def place_of(secret: Any) -> str:
    environment = secret.folder.environment
    return f"{environment.project.slug} {environment.slug}:{secret.folder.path} {secret.key}"


def main() -> None:
    import django

    django.setup()
    print(json.dumps(tell()))


if __name__ == "__main__":
    main()
