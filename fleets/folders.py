"""Which folder of its own each organization of a set has, if it has one."""

from collections.abc import Collection, Mapping

from fleets.models import SyncSet
from sources.protocol import EnvironmentEntry, Found, Place
from sources.registry import kind_of
from syncs.places import FEW
from vault.models import Folder


def find_folders(each: SyncSet, slugs: Collection[str]) -> Mapping[str, Found]:
    """By the slugs, where the secrets of these organizations are; one whose folder is missing is left out.

    Of a source elsewhere it is asked, so never inside a transaction there. Raises SourceError.
    """
    source = each.source
    if source is None:
        return {}
    if not each.below:
        return dict.fromkeys(slugs, source)
    paths = {slug: each.path_for(slug) for slug in slugs}
    ids = _in_vault(each, paths.values()) if each.project.is_kept_here else _elsewhere(each)
    return {slug: _found(source.environment, path, ids[path]) for slug, path in paths.items() if path in ids}


def may_ask_elsewhere(each: SyncSet) -> bool:
    """Whether `find_folders` would send a request."""
    return bool(each.below) and kind_of(each.project).is_remote


def _in_vault(each: SyncSet, paths: Collection[str]) -> dict[str, str]:
    wanted, ids = sorted(set(paths)), dict[str, str]()
    for start in range(0, len(wanted), FEW):
        rows = Folder.objects.filter(environment=each.environment_id, path__in=wanted[start : start + FEW])
        ids.update((path, str(pk)) for path, pk in rows.order_by().values_list("path", "pk"))
    return ids


def _elsewhere(each: SyncSet) -> dict[str, str]:
    with each.open_source() as source:
        return {entry.path: entry.id for entry in source.list_folders(each.environment_slug)}


def _found(environment: EnvironmentEntry, path: str, folder_id: str) -> Found:
    return Found(Place(environment.slug, path, folder_id), environment)
