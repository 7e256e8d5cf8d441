"""Looks whether projects that are kept elsewhere have changed, because their messages get lost or were never set up.

The scheduler finds what is due and rings, with the project's id in place of a run's; a worker asks the source for
versions and starts the syncs whose place has another one, or none that can be told. The ordinary run decides the rest.
"""

import logging
import random
from collections.abc import Collection, Iterable
from datetime import timedelta
from uuid import UUID

from common import clock
from sources.copying.jobs import ring_due
from sources.errors import Refused, SourceError, Unavailable
from sources.models import LinkedProject
from sources.protocol import Place, Source
from sources.registry import open_source
from sources.watching import forget_others, look_again, note_error, take_version
from syncs.choices import Trigger
from syncs.engine.awaited import ring_who_waits
from syncs.models import DevinSync, SyncControl
from syncs.runs.again import ring_again
from syncs.runs.ask_many import request_runs
from syncs.runs.queue import ring

log = logging.getLogger(__name__)

# A bell that nobody heard is rung again after so long.
RING_AGAIN = timedelta(seconds=60)
# Longer than one place of a look takes, with the wait for its turn: so long nobody else begins one.
GOING_ON = timedelta(minutes=4)
AT_ONCE = 100

Watched = tuple[Place, bool]
# None where the source cannot tell; an error is that of this very place.
Version = str | SourceError | None


def ring_due_looks() -> None:
    """Each is claimed by a filtered update, so that of two schedulers one rings."""
    if SyncControl.get().is_paused:
        return
    now = clock.now()
    due = LinkedProject.objects.filter(poll_seconds__gt=0, next_poll_at__lte=now).order_by("next_poll_at")
    for pk, project_id in list(due.values_list("pk", "project_id")[:AT_ONCE]):
        claimed = LinkedProject.objects.filter(pk=pk, next_poll_at__lte=now)
        if claimed.update(next_poll_at=now + RING_AGAIN) and not ring(project_id, project_id):
            return


def ring_due_copies() -> None:
    """Of projects that are copied into the vault; a pause of the syncs does not hold them."""
    ring_due(ring)


def look(project_id: UUID) -> None:
    """Starts the syncs of a linked project whose source has changed. Nothing if there is no such project."""
    link = LinkedProject.objects.select_related("project", "connection").filter(project=project_id).first()
    if link is None:
        return
    syncs = list(DevinSync.objects.live().filter(project=project_id, auto_sync_enabled=True).with_source())
    watched: dict[Watched, list[DevinSync]] = {}
    for sync in syncs:
        watched.setdefault((sync.place, sync.recursive), []).append(sync)
    forget_others(link, watched)
    versions, problem = _versions(link, watched)
    if problem is not None:
        log.info("could not look for changes of %s (%s)", link.project.slug, type(problem).__name__)
        note_error(link.project, problem)
    changed = {each for each, version in versions.items() if version and take_version(link, *each, _noted(version))}
    untold = {each for each, version in versions.items() if version is None}
    sync_ids = [sync.pk for each in changed | untold for sync in watched[each]]
    moved = {sync.pk for each in changed if isinstance(versions[each], str) for sync in watched[each]}
    request_runs(sync_ids, trigger=Trigger.CHANGE, is_quiet=True, changed=moved)
    _tell_who_waits(sync for each, version in versions.items() if isinstance(version, str) for sync in watched[each])
    look_again(link, changed=bool(changed), at_least=problem.retry_after if problem else None)


def _tell_who_waits(seen: Iterable[DevinSync]) -> None:
    """For the deletions that are held until these syncs' sources can be read."""
    for sync in seen:
        if sync.is_awaited:
            ring_who_waits(sync, sync.destination(), ring_again)


def _versions(link: LinkedProject, watched: Collection[Watched]) -> tuple[dict[Watched, Version], SourceError | None]:
    """As far as the source answers, and why no further.

    In any order, so that where it allows fewer requests than there are places, none is always the last.
    """
    versions: dict[Watched, Version] = {}
    try:
        if watched:
            with open_source(link.project, spares=True) as source:
                for each in random.sample([*watched], len(watched)):
                    _stay_the_only_one(link)
                    versions[each] = _version(source, *each)
    except SourceError as error:
        return versions, error
    return versions, None


def _stay_the_only_one(link: LinkedProject) -> None:
    """A look may take longer than the interval; unless a message asked for another one, none is begun meanwhile."""
    now = clock.now()
    LinkedProject.objects.filter(pk=link.pk, next_poll_at__gt=now).update(next_poll_at=now + GOING_ON)


def _version(source: Source, place: Place, recursive: bool) -> Version:
    try:
        return source.version(place, recursive=recursive)
    except (Refused, Unavailable):
        raise
    except SourceError as error:
        return error


def _noted(version: str | SourceError) -> str:
    """One run shall say what is wrong with a place; until that changes, the next looks need not."""
    return version if isinstance(version, str) else type(version).__name__
