"""Keys that a read with the folders below would refuse, for those who want to know before."""

from collections.abc import Mapping

from sources.finding import PATIENCE
from sources.protocol import Found, Place, Source
from sources.registry import kind_of, open_source
from vault.models import Project


def find_clashes(project: Project, found: Found) -> Mapping[str, list[str]]:
    """Each key that stands in several folders at and below a place, with their paths. Raises SourceError."""
    kind = kind_of(project)
    if kind.find_clashes is not None:
        return kind.find_clashes(project, found)
    with open_source(project, patience=PATIENCE) as source:
        return _by_folder(source, found.place)


def _by_folder(source: Source, place: Place) -> Mapping[str, list[str]]:
    paths: dict[str, list[str]] = {}
    for folder in source.list_folders(place.environment_slug):
        here = Place(place.environment_slug, folder.path, folder.id)
        if place.contains(here):
            for key in source.list_keys(here):
                paths.setdefault(key, []).append(folder.path)
    return {key: where for key, where in paths.items() if len(where) > 1}
