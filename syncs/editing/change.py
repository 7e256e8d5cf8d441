"""A sync is changed: what it is called, reads, writes to and does; with what becomes of the secrets that it leaves."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Model

from syncs.access import place_of
from syncs.choices import Trigger
from syncs.editing.actor import Actor
from syncs.editing.loosening import check_may_loosen
from syncs.editing.moves import Place, check_may_move, leave, stop_awaiting
from syncs.editing.rights import check_may_change
from syncs.editing.rules import check_has_tags, check_name_is_free, check_stored_folders, name_taken
from syncs.errors import EditRefused
from syncs.models import DevinSync, SyncRun
from syncs.options import OPTIONS
from syncs.runs.triggers import after_edit
from syncs.runs.wishes import NO_WISHES, Wishes

EDITABLE = ("name", "description", "is_enabled", "source", "connection", "org_id", *OPTIONS)
# What is switched on and off by itself, with its word in the log.
SWITCHES = {"is_enabled": "Syncing", "auto_sync_enabled": "Auto-sync"}


@dataclass(frozen=True)
class Edited:
    """The sync as it now is, and the run that follows: None if auto-sync is off, or the sync disabled."""

    sync: DevinSync
    run: SyncRun | None


@transaction.atomic
def change_sync(
    sync_id: UUID,
    fields: Mapping[str, Any],
    *,
    by: Actor,
    seen_version: int | None = None,
    removes_old: bool = False,
    runs: bool | None = None,
    wishes: Wishes = NO_WISHES,
) -> Edited:
    """Gives some of the `EDITABLE` fields these values. An auto-sync then runs; with `runs`, any sync that is enabled
    does, or none.

    `seen_version` is the version that the person looked at; no edit made since is overwritten. Secrets at an
    organization that the sync leaves stay there and are forgotten, or go with `removes_old`. Raises Lacking,
    EditRefused, NotRunnable, or ValidationError for fields that hold what they must not.
    """
    sync = locked(sync_id)
    if seen_version not in (None, sync.version):
        raise EditRefused(f"Somebody else has changed the sync {sync.name}. Look at it again, then change it.")
    by.check_may_edit(sync)
    old, before = Place.of(sync), copy(sync)
    changed = _set(sync, fields)
    check_may_change(before, sync, changed, by=by, removes_old=removes_old)
    _check(sync, changed, old)
    check_may_loosen(before, sync, removes_old=removes_old, by=by)
    _save(sync)
    _let_go(sync, old, removes_old=removes_old, by=by)
    run = after_edit(sync, user=by.user, wishes=wishes, at_once=bool(runs)) if runs is not False else None
    by.note_changed(sync, f"Changed {', '.join(_told(sync, *each) for each in changed.items()) or 'nothing'}")
    return Edited(sync, run)


def _let_go(sync: DevinSync, old: Place, *, removes_old: bool, by: Actor) -> None:
    has_left = not old.is_same_organization(Place.of(sync))
    if has_left or not sync.is_enabled:
        stop_awaiting(sync, old)
    if has_left:
        leave(sync, old, removes_secrets=removes_old, trigger=Trigger.EDIT, user=by.user)


def foresee_change(sync_id: UUID, fields: Mapping[str, Any], **meant: Any) -> DevinSync:
    """The sync as `change_sync` would leave it: the change is made and taken back. Raises what it raises."""
    with transaction.atomic():
        edited = change_sync(sync_id, fields, **meant)
        transaction.set_rollback(True)
    return edited.sync


@transaction.atomic
def switch_sync(sync_id: UUID, name: str, *, on: bool, by: Actor) -> bool:
    """Switches one of the `SWITCHES`; on, an auto-sync then runs. False if it stood so already."""
    sync = locked(sync_id)
    by.check_may_edit(sync)
    by.demand("syncs.change_devinsync", place_of(sync))
    if getattr(sync, name) == on:
        return False
    setattr(sync, name, on)
    _save(sync)
    if on:
        after_edit(sync, user=by.user)
    elif not sync.is_enabled:
        stop_awaiting(sync, Place.of(sync))
    by.note_changed(sync, f"{SWITCHES[name]} {'enabled' if on else 'disabled'}")
    return True


def locked(sync_id: UUID) -> DevinSync:
    """The row as it is now, and as it stays until the transaction ends. Raises EditRefused if it is gone."""
    rows = DevinSync.objects.with_source().select_related("connection", "environment")
    sync = rows.select_for_update(of=("self",)).filter(pk=sync_id).first()
    if sync is None:
        raise EditRefused("This sync has been deleted meanwhile.")
    return sync


def _set(sync: DevinSync, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those that have changed by it, by name, as they were."""
    if unknown := fields.keys() - set(EDITABLE):
        raise ValueError(f"Not to be edited: {', '.join(sorted(unknown))}.")
    changed = {name: before for name in sorted(fields) if (before := getattr(sync, name)) != fields[name]}
    for name in changed:
        setattr(sync, name, fields[name])
    return changed


def _check(sync: DevinSync, changed: Iterable[str], old: Place) -> None:
    """What an edit leaves as it was is not judged anew: a sync can be changed whatever has become of its source."""
    sync.clean_fields(exclude={field.name for field in DevinSync._meta.fields} - set(changed))
    if "name" in changed:
        check_name_is_free(sync.name, sync.project, but=sync)
    if {"source", "recursive"} & set(changed):
        check_stored_folders(sync)
    if {"only_tags", "except_tags"} & set(changed):
        check_has_tags(sync, sync.project)
    check_may_move(sync, old)


def _save(sync: DevinSync) -> None:
    sync.version += 1
    try:
        with transaction.atomic():
            sync.save()
    except IntegrityError:
        raise name_taken(sync.name, sync.project) from None


def _told(sync: DevinSync, name: str, before: Any) -> str:
    return name if name in ("name", "description") else f"{name} from {_shown(before)} to {_shown(getattr(sync, name))}"


def _shown(value: object) -> str:
    return str(value) if isinstance(value, Model) else repr(value)
