"""Binds what an earlier release left: its values were sealed to secret and version alone, and its folders not at all.

Part of `prepare`, before any process starts: nothing else ever opens a value of the old form, so that nobody who writes
to the database can bring one back. How far it has come is recorded, sealed:

    no record, no folder bound      an installation of an earlier release, or a new one: begins
    begun                           goes on where it was stopped; a folder is one transaction
    done                            ends here for ever: a folder without a seal was robbed of it, and stays unreadable
    no record, some folders bound   the record was taken away: refused
"""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from encryption import DecryptionError, seal, unseal
from vault.models import Binding, Folder, Project, Secret, SecretImport, SecretVersion
from vault.wholeness import seal_sum, secret_part, sum_of_imports

BEGUN, DONE = "begun", "done"
BATCH = 500


@dataclass
class Bound:
    """What was done; `unreadable` are values that no key opens, `refused` the folders without a seal that stay so."""

    folders: int = 0
    values: int = 0
    unreadable: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def bind_all() -> Bound:
    """All that is not bound yet, if that may still be so."""
    bound = Bound()
    unbound = Folder.objects.select_related("environment__project").filter(seal="").order_by("pk")
    if unbound.exists() and not _may_begin():
        bound.refused = [name_of(folder) for folder in unbound]
        return bound
    for folder_id in list(unbound.values_list("pk", flat=True)):
        bind_folder(unbound.model.objects.select_related("environment__project").get(pk=folder_id), bound)
    _record(DONE)
    return bound


@transaction.atomic
def bind_folder(folder: Folder, bound: Bound) -> None:
    """Seals its values to their place, the versions too, and then the folder as it is."""
    _lock(folder)
    secrets = Secret.objects.select_related("folder__environment__project").filter(folder=folder)
    _rebind(secrets, bound)
    versions = SecretVersion.objects.select_related("secret__folder__environment__project")
    _rebind(versions.filter(secret__folder=folder), bound)
    _seal(folder)
    bound.folders += 1


@transaction.atomic
def accept_folder(folder: Folder) -> None:
    """Seals the folder as it is, because a person who has looked at it says so.

    A value that does not open stays so. A secret that is not at its newest version gets one more.
    """
    if not folder.seal:
        bind_folder(folder, Bound())
        return
    _lock(folder)
    newest = SecretVersion.objects.filter(secret=OuterRef("pk")).order_by("-version").values("version")[:1]
    secrets = Secret.objects.select_related("folder__environment").filter(folder=folder)
    for secret in secrets.annotate(newest=Coalesce(Subquery(newest), 0)).exclude(version=F("newest")):
        _take_as_newest(secret, secret.newest)
    _seal(folder)


def _take_as_newest(secret: Secret, newest: int) -> None:
    version = SecretVersion(secret=secret, comment=secret.comment, is_literal=secret.is_literal)
    try:
        value = unseal(secret.sealed_value, context=secret.sealing_context())
    except DecryptionError:
        value = None
    secret.version = version.version = max(secret.version, newest) + 1
    version.sealed_value = secret.sealed_value
    if value is not None:
        secret.sealed_value = seal(value, context=secret.sealing_context())
        version.sealed_value = seal(value, context=version.sealing_context())
    secret.save(update_fields=["version", "sealed_value"])
    version.save(force_insert=True)


def _lock(folder: Folder) -> None:
    Project.objects.filter(pk=folder.environment.project_id).update(revision=F("revision") + 1)


def _seal(folder: Folder) -> None:
    secrets = Secret.objects.filter(folder=folder).only("id", "key", "version", "is_literal")
    imports = SecretImport.objects.filter(folder=folder)
    folder.seal = seal_sum(folder, sum(map(secret_part, secrets)) + sum_of_imports(imports))
    folder.save(update_fields=["seal"])


def name_of(folder: Folder) -> str:
    """As commands name a folder: project, environment and path."""
    return f"{folder.environment.project.slug}/{folder}"


def _may_begin() -> bool:
    record = Binding.objects.filter(pk=1).first()
    if record is not None:
        try:
            return unseal(record.sealed_state, context=record.sealing_context()) == BEGUN
        except DecryptionError:
            return False
    if Folder.objects.exclude(seal="").exists():
        return False
    _record(BEGUN)
    return True


def _record(state: str) -> None:
    record = Binding(pk=1)
    sealed = seal(state, context=record.sealing_context())
    Binding.objects.update_or_create(pk=1, defaults={"sealed_state": sealed})


def _rebind(rows: QuerySet[Any], bound: Bound) -> None:
    """Secrets or versions, some at a time, by their keys."""
    ordered = rows.order_by("pk")
    batch = list(ordered[:BATCH])
    while batch:
        changed = [row for row in batch if _reseal(row, bound)]
        rows.model._base_manager.bulk_update(changed, ["sealed_value"])
        bound.values += len(changed)
        batch = list(ordered.filter(pk__gt=batch[-1].pk)[:BATCH])


def _reseal(row: Secret | SecretVersion, bound: Bound) -> bool:
    secret = row if isinstance(row, Secret) else row.secret
    sealed = _open(row, f"vault.secret:{secret.pk}:{row.version}")
    if sealed is None:
        bound.unreadable.append(f"version {row.version} of {secret.key} in {name_of(secret.folder)}")
    if not sealed:
        return False
    row.sealed_value = sealed
    return True


def _open(row: Secret | SecretVersion, old_context: str) -> str | None:
    """The value sealed anew; "" if it is bound already, None if it does not open."""
    try:
        unseal(row.sealed_value, context=row.sealing_context())
        return ""
    except DecryptionError:
        pass
    try:
        return seal(unseal(row.sealed_value, context=old_context), context=row.sealing_context())
    except DecryptionError:
        return None
