"""What is remembered of a project that is kept elsewhere: when it was read, what went wrong, where its secrets come
from, and its version. Never what is in it.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from common import clock
from sources.errors import SourceError
from sources.models import LinkedProject, WatchedPlace
from sources.protocol import Place, SourceSecret
from vault.models import Project

# So many quiet looks, and the interval doubles; so many times at most.
STEP, DOUBLINGS = 10, 3
MOST_QUIET = STEP * DOUBLINGS
# By how much of it each look is late or early, so that what began together does not stay together.
APART = 0.1


def note_read(project: Project, place: Place, secrets: Iterable[SourceSecret], *, recursive: bool) -> None:
    """A place was read whole just now."""
    link = LinkedProject.objects.filter(project=project).first()
    if link is None:
        return
    origins = {(secret.environment_slug, secret.path) for secret in secrets}
    own = (place.environment_slug, place.path)
    WatchedPlace.objects.update_or_create(
        **_key(link, place, recursive=recursive), defaults={"reaches": sorted(map(list, origins - {own}))}
    )
    told = {"last_read_at": clock.now(), "last_error": "", "last_error_at": None}
    LinkedProject.objects.filter(pk=link.pk).update(**told)


def note_error(project: Project, error: SourceError) -> None:
    told = {"last_error": error.message[:1024], "last_error_at": clock.now()}
    LinkedProject.objects.filter(project=project).update(**told)


def reaches(project: Project) -> Iterator[tuple[Place, bool, list[Place]]]:
    """Each place that is read, whether with those below it, and the others that its secrets came from last time."""
    for row in WatchedPlace.objects.filter(link__project=project):
        place = Place(row.environment_slug, row.path)
        yield place, row.recursive, [Place(*origin) for origin in row.reaches]


def take_version(link: LinkedProject, place: Place, recursive: bool, version: str) -> bool:
    """Notes the version that a place has now. False if it had it before."""
    row, is_new = WatchedPlace.objects.get_or_create(
        **_key(link, place, recursive=recursive), defaults={"version": version}
    )
    if not is_new and row.version == version:
        return False
    WatchedPlace.objects.filter(pk=row.pk).update(version=version)
    return True


def forget_others(link: LinkedProject, watched: Iterable[tuple[Place, bool]]) -> None:
    """Drops what was noted of places that nobody reads any more."""
    kept = {(place.environment_slug, place.path, recursive) for place, recursive in watched}
    rows = link.watched.values_list("pk", "environment_slug", "path", "recursive")
    WatchedPlace.objects.filter(pk__in=[pk for pk, *key in rows if tuple(key) not in kept]).delete()


def _key(link: LinkedProject, place: Place, *, recursive: bool) -> dict[str, Any]:
    return {
        "link": link,
        "environment_slug": place.environment_slug,
        "path": place.path,
        "recursive": recursive,
    }


def look_again(link: LinkedProject, *, changed: bool, at_least: timedelta | None = None) -> datetime:
    """When to look for changes again: rarer while nothing changes, and not before the source wants to be asked."""
    quiet = 0 if changed else min(link.quiet_polls + 1, MOST_QUIET)
    spread = random.uniform(1 - APART, 1 + APART)  # noqa: S311 - jitter, not a secret
    due = clock.now() + max(interval(link.poll_seconds, quiet) * spread, at_least or timedelta(0))
    LinkedProject.objects.filter(pk=link.pk).update(quiet_polls=quiet, next_poll_at=due)
    return due


def interval(poll_seconds: int, quiet_polls: int) -> timedelta:
    return timedelta(seconds=poll_seconds * 2 ** (quiet_polls // STEP))
