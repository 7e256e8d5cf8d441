"""What a reference that points to nothing may have meant: a folder named without its environment, a misspelt name."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING
from uuid import UUID

from vault.references import Reference, parse_reference

if TYPE_CHECKING:
    from vault.resolution import Place, Resolver


def suggest(resolver: "Resolver", folder_id: UUID, reference: Reference) -> Reference | None:
    """A reference that works from this folder, as near as can be to the one that does not; None if nothing is near."""
    for other in _candidates(resolver, folder_id, reference):
        if other is not None and resolver.find(folder_id, other) is not None:
            return other
    return None


def _candidates(resolver: "Resolver", folder_id: UUID, reference: Reference) -> Iterator[Reference | None]:
    here = resolver.place(folder_id)
    yield parse_reference(f"{here.environment_slug}.{reference.inner}")
    if not reference.environment_slug:
        yield Reference(reference.key, here.environment_slug, "/")
        yield from (Reference(key) for key in _close(reference.key, resolver.visible(folder_id)))
        return
    for place in _close_places(resolver, reference, here):
        yield Reference(reference.key, place.environment_slug, place.path)
        for key in _close(reference.key, resolver.visible(resolver.folders()[place])):
            yield Reference(key, place.environment_slug, place.path)


def _close_places(resolver: "Resolver", reference: Reference, here: "Place") -> Iterator["Place"]:
    """The place itself, the one that lacks the environment, and those that are spelt almost alike."""
    places = {str(place): place for place in resolver.folders()}
    meant = f"{reference.environment_slug}:{reference.path}"
    within = f"{here.environment_slug}:/{reference.environment_slug}{reference.path}".rstrip("/")
    yield from (places[name] for name in dict.fromkeys((meant, within)) if name in places)
    yield from (places[name] for name in _close(meant, places) if name != meant)


def _close(name: str, names: Iterable[str]) -> list[str]:
    by_lower = {each.lower(): each for each in names}
    return [by_lower[match] for match in get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.75)]
