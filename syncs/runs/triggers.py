"""What starts runs by itself: a change of the vault, an edit of a sync."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from syncs.choices import Trigger
from syncs.models import DevinSync, DevinSyncQuerySet, SyncRun
from syncs.runs.ask import request_run
from syncs.runs.ask_many import request_runs
from syncs.runs.wishes import NO_WISHES, Wishes
from vault.signals import contents_changed


def connect() -> None:
    contents_changed.connect(on_contents_changed, dispatch_uid="syncs.runs.triggers")


def on_contents_changed(*, folder_ids: Iterable[UUID], user: Any = None, **_: Any) -> None:
    """One pending run for each auto-sync that reads one of these folders. Runs in the transaction of the change.

    In the order of their ids, so that two changes that touch the same syncs never wait for each other.
    """
    if syncs := reading(folder_ids, among=DevinSync.objects.live().filter(auto_sync_enabled=True)):
        request_runs([sync.pk for sync in syncs], trigger=Trigger.CHANGE, user=user)


def reading(folder_ids: Iterable[UUID], *, among: DevinSyncQuerySet) -> list[DevinSync]:
    """Those of the syncs whose source includes one of the vault's folders."""
    return among.reading_folders(folder_ids)


def after_edit(
    sync: DevinSync,
    *,
    user: Any,
    trigger: Trigger = Trigger.EDIT,
    wishes: Wishes = NO_WISHES,
    at_once: bool = False,
) -> SyncRun | None:
    """An edited auto-sync runs, so that what the form says is what Devin holds; `at_once`, without auto-sync too.

    In the transaction of the edit. None where no run follows. Raises NotRunnable.
    """
    if sync.runs_by_itself or (at_once and sync.is_enabled):
        return request_run(sync, trigger=trigger, user=user, wishes=wishes)
    return None
