"""Which environments show secrets that are stored in another one, through imports, references, or any number of both.

Opens no value. Cautious where a folder's own key hides an imported one: both count as shown, so that deleting the one
never shows more than before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from vault.models import Folder, Secret, SecretImport, SecretReference
from vault.references import Reference

# An environment, and a secret of another one that it shows.
Shown = tuple[UUID, UUID]
# A folder and a key, or a folder and None for all its keys.
Part = tuple[UUID, str | None]


@dataclass(frozen=True)
class Shape:
    """A project as its rows say; `references` by the secret that has them."""

    environment_of: dict[UUID, UUID]
    folder_at: dict[tuple[str, str], UUID]
    sources: dict[UUID, list[UUID]]
    references: dict[UUID, list[Reference]]
    folder_of: dict[UUID, UUID] = field(default_factory=dict)
    own: dict[UUID, dict[str, UUID]] = field(default_factory=lambda: defaultdict(dict))

    def shown_in(self, environment_id: UUID) -> set[UUID]:
        """The secrets of other environments that this one shows."""
        waiting: list[Part] = [(id_, None) for id_, its in self.environment_of.items() if its == environment_id]
        seen, shown = set(waiting), set()
        while waiting:
            folder_id, key = waiting.pop()
            more: list[Part] = [(source, key) for source in self.sources.get(folder_id, ())]
            for secret_id in self._named(folder_id, key):
                shown.add(secret_id)
                more += self._referred(secret_id)
            new = {part for part in more if part not in seen and (part[0], None) not in seen}
            seen |= new
            waiting.extend(new)
        return {one for one in shown if self.environment_of[self.folder_of[one]] != environment_id}

    def _named(self, folder_id: UUID, key: str | None) -> Iterable[UUID]:
        own = self.own.get(folder_id, {})
        return own.values() if key is None else [own[key]] if key in own else []

    def _referred(self, secret_id: UUID) -> Iterator[Part]:
        for reference in self.references.get(secret_id, ()):
            # A key of just this name, dots and all, in the secret's own folder wins over a place.
            yield self.folder_of[secret_id], reference.inner
            there = self.folder_at.get((reference.environment_slug, reference.path))
            if there is not None:
                yield there, reference.key


def load_shown(project_id: UUID, *, by_folder: bool = False) -> set[Shown]:
    """In three queries; in four where anything leads from one environment to another.

    With `by_folder`, what each folder shows of others, as if it were an environment of its own.
    """
    rows = Folder.objects.filter(environment__project_id=project_id).order_by()
    places = list(rows.values_list("id", "environment_id", "environment__slug", "path"))
    environment_of = {id_: id_ if by_folder else environment_id for id_, environment_id, _, _ in places}
    folder_at = {(slug, path): id_ for id_, _, slug, path in places}
    shape = Shape(environment_of, folder_at, defaultdict(list), defaultdict(list))
    leaving: set[UUID] = set()
    imports = SecretImport.objects.filter(folder__environment__project_id=project_id).order_by()
    for folder_id, source_id in imports.values_list("folder_id", "source_id"):
        shape.sources[folder_id].append(source_id)
        if environment_of[folder_id] != environment_of[source_id]:
            leaving.add(environment_of[folder_id])
    references = SecretReference.objects.filter(secret__folder__environment__project_id=project_id)
    for secret_id, folder_id, slug, path, key in references.values_list(
        "secret_id", "secret__folder_id", "environment_slug", "path", "key"
    ):
        shape.references[secret_id].append(Reference(key, slug, path))
        there = folder_at.get((slug, path))
        if there is not None and environment_of[there] != environment_of[folder_id]:
            leaving.add(environment_of[folder_id])
    if leaving:
        _load_secrets(project_id, shape)
    return {(environment_id, secret_id) for environment_id in leaving for secret_id in shape.shown_in(environment_id)}


def _load_secrets(project_id: UUID, shape: Shape) -> None:
    secrets = Secret.objects.filter(folder__environment__project_id=project_id).order_by()
    for secret_id, folder_id, key in secrets.values_list("id", "folder_id", "key"):
        shape.folder_of[secret_id] = folder_id
        shape.own[folder_id][key] = secret_id
