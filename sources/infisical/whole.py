"""What a list of secrets leaves out without a word, and is looked up beside it.

an old server has no such place            it answers an empty list
an import may not be read, or is gone      the list of imports has it, the answer has not
a subfolder may not be read                the list of folders has it, the answer has nothing of it
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connections.infisical.client import InfisicalClient
from connections.infisical.errors import InfisicalError, NotFound
from sources.errors import PlaceMissing, Unavailable
from sources.infisical.projects import environments_in, load_project
from sources.infisical.rows import Imports, Listed, Unbelievable
from sources.infisical.tree import folders_at, folders_below, imports_at
from sources.protocol import ROOT, EnvironmentEntry, Place


class Whole:
    """Of one project. `ask` reads one folder by itself."""

    def __init__(self, client: InfisicalClient, project_id: str, ask: Callable[[Place], Listed]) -> None:
        self._client = client
        self._project_id = project_id
        self._ask = ask
        self._environments: list[EnvironmentEntry] | None = None

    def environments(self) -> list[EnvironmentEntry]:
        if self._environments is None:
            self._environments = environments_in(load_project(self._client, self._project_id))
        return self._environments

    def require(self, listed: Listed, place: Place, *, recursive: bool) -> Imports:
        """Where each folder that was read imports from. Raises SourceError, InfisicalError or Unbelievable if anything
        is missing."""
        if listed.is_empty:
            self.require_environment(place.environment_slug)
            self.require_folder(place)
        imports = {place: imports_at(self._client, self._project_id, place)}
        if recursive:
            with _there_still(place):
                for folder in self._folders_below(listed, place):
                    imports[folder] = imports_at(self._client, self._project_id, folder)
        answered = {block.place for block in listed.blocks}
        for folder, sources in imports.items():
            for imported in sources:
                if imported not in answered:
                    with _naming(folder):
                        self._require_readable(imported, of=folder)
                    answered.add(imported)
        return imports

    def require_environment(self, slug: str) -> None:
        environments = self.environments()
        if all(entry.slug != slug for entry in environments):
            there = ", ".join(entry.slug for entry in environments) or "none that the machine identity may see"
            raise PlaceMissing(
                f"Could not read the environment {slug} in Infisical: there is none. The project has: {there}. "
                "Choose another one, or give it its name back."
            )

    def require_folder(self, place: Place) -> None:
        path = ROOT
        for name in place.path.strip("/").split("/") if place.path != ROOT else ():
            below = folders_at(self._client, self._project_id, Place(place.environment_slug, path))
            if name not in below:
                raise PlaceMissing(
                    f"Could not read {place} in Infisical: there is no folder {name} in {path}, or the machine "
                    "identity may not see it. Choose another folder, or restore this one."
                )
            path = f"{path.rstrip('/')}/{name}"

    def _folders_below(self, listed: Listed, place: Place) -> list[Place]:
        """All of them, in order. One of which nothing was answered is empty or hidden: by itself, it says which."""
        found = folders_below(self._client, self._project_id, place)
        folders = [Place(place.environment_slug, path) for path in sorted(found)]
        answered = {row.place for row in listed.rows} - {place}
        if answered - {*folders}:
            raise _changed(place)
        for folder in folders:
            if folder not in answered and self._ask(folder).rows:
                raise Unavailable(
                    f"Could not read {place} in Infisical: {folder.path} has secrets, and the answer leaves them out. "
                    "It is read again; if that stays so, look at the rights of the machine identity in that folder."
                )
        return folders

    def _require_readable(self, imported: Place, *, of: Place) -> None:
        """An import that was not answered: only one that is there, may be read and is empty may be missing."""
        if self._ask(imported).rows:
            raise Unbelievable(f"{of} imports {imported}, and the answer leaves that out")
        self.require_environment(imported.environment_slug)
        self.require_folder(imported)


@contextmanager
def _naming(folder: Place) -> Iterator[None]:
    """Whoever reads an error about an import did not ask for it themselves."""
    try:
        yield
    except InfisicalError as error:
        error.message += f" {folder} imports it."
        raise
    except PlaceMissing as error:
        raise PlaceMissing(f"{error.message} {folder} imports it.") from None


@contextmanager
def _there_still(place: Place) -> Iterator[None]:
    """A folder that was in a list a moment ago is not there: it went meanwhile."""
    try:
        yield
    except NotFound as error:
        if error.is_route:
            raise
        raise _changed(place) from None


def _changed(place: Place) -> Unavailable:
    return Unavailable(f"Could not read {place} in Infisical: its folders changed while it was read. It is read again.")
