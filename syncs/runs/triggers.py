"""What starts runs by itself: a change of the vault or of another source, an edit of a sync."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q

from common import clock
from sources.changes import places_changed
from sources.models import LinkedProject
from sources.protocol import Place
from sources.watching import reaches
from syncs.choices import Approval, AsksForWave, Trigger
from syncs.models import DevinSync, SyncRun
from syncs.places import lost_source
from syncs.runs import waves
from syncs.runs.ask import request_run
from syncs.runs.ask_many import request_runs
from syncs.runs.source_authors import note_author
from syncs.runs.wishes import NO_WISHES, Wishes
from vault.signals import Aspect, contents_changed


def connect() -> None:
    contents_changed.connect(on_contents_changed, dispatch_uid="syncs.runs.triggers")
    places_changed.connect(on_places_changed, dispatch_uid="syncs.runs.triggers")


def on_contents_changed(
    *, folder_ids: Iterable[UUID], user: Any = None, aspect: Aspect = Aspect.CONTENTS, **_: Any
) -> list[UUID]:
    """One pending run for each auto-sync that reads one of these folders. Runs in the transaction of the change.

    In the order of their ids, so that two changes that touch the same syncs never wait for each other. Those that ask
    for another person note whose change it is, also where no run follows.
    """
    by_itself = Q(auto_sync_enabled=True, is_enabled=True) & ~lost_source()
    syncs = DevinSync.objects.filter(by_itself | ~Q(approval=Approval.NONE))
    if not (sync_ids := syncs.minding(aspect).reading_folders(folder_ids)):
        return []
    rows = DevinSync.objects.filter(pk__in=sync_ids).values_list("pk", "approval", "auto_sync_enabled")
    found = {pk: (approval, runs) for pk, approval, runs in rows}
    note_author([pk for pk in sync_ids if pk in found and found[pk][0] != Approval.NONE], user)
    running = [pk for pk in sync_ids if pk in found and found[pk][1]]
    return request_runs(running, trigger=Trigger.CHANGE, user=user, changed=running) if running else []


def on_places_changed(*, project_id: UUID, places: Collection[Place], **_: Any) -> None:
    """The same for a source that tells by itself. What it may have reached besides, by references or by imports that
    have never been read, is looked for at once.
    """
    syncs = list(DevinSync.objects.live().filter(auto_sync_enabled=True, project=project_id).with_source())
    if syncs:
        origins = {(place, recursive): found for place, recursive, found in reaches(syncs[0].project)}
        reached = [sync for sync in syncs if _reaches(sync, origins.get((sync.place, sync.recursive), []), places)]
        sync_ids = sorted(sync.pk for sync in reached)
        request_runs(sync_ids, trigger=Trigger.CHANGE, changed=sync_ids)
        LinkedProject.objects.filter(project=project_id, poll_seconds__gt=0).update(next_poll_at=clock.now())


def _reaches(sync: DevinSync, origins: Iterable[Place], changed: Iterable[Place]) -> bool:
    read = {sync.place, *origins}
    return any(place in read or (sync.recursive and sync.place.contains(place)) for place in changed)


def after_edit(
    sync: DevinSync,
    *,
    user: Any,
    trigger: Trigger = Trigger.EDIT,
    wishes: Wishes = NO_WISHES,
    at_once: bool = False,
) -> SyncRun | None:
    """An edited auto-sync runs, so that what the form says is what Devin holds; `at_once`, without auto-sync too.

    In the transaction of the edit. None where no run follows, or only in its turn of the waves. Raises NotRunnable.
    """
    if sync.goes_in_waves and sync.runs_by_itself:
        waves.ask([sync.pk], why=AsksForWave.CHANGE, user=user)
        return None
    if sync.runs_by_itself or (at_once and sync.is_enabled):
        return request_run(sync, trigger=trigger, user=user, wishes=wishes)
    return None
