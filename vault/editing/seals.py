"""Keeps the seals of folders true: what an edit takes out of a folder and puts into it, in one statement at its end."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID, uuid4

from common.rows import save_columns
from vault.models import Environment, Folder, Secret, SecretImport
from vault.wholeness import seal_sum, sealed_sum, secret_part, sum_of_imports

FEW = 500


class Seals:
    """Of one edit. What is changed is taken before, as it stands in the database, and put back as it is written.

    Renewed at the end of the edit, and before it reads what it has written.
    """

    def __init__(self) -> None:
        self._changes: dict[UUID, int] = defaultdict(int)
        # By folder, of those whose place changes: their seals open at the old place alone.
        self._held: dict[UUID, int | None] = {}
        self._known: dict[UUID, Folder] = {}

    def know(self, folders: Iterable[Folder]) -> None:
        """Rows that were loaded, with their environments, since the project is locked: they need not be loaded anew."""
        self._known |= {folder.id: folder for folder in folders}

    def take(self, secrets: Iterable[Secret]) -> None:
        for secret in secrets:
            self._changes[secret.folder_id] -= secret_part(secret)

    def put(self, secrets: Iterable[Secret]) -> None:
        for secret in secrets:
            self._changes[secret.folder_id] += secret_part(secret)

    def take_imports(self, folder_id: UUID) -> None:
        self._changes[folder_id] -= sum_of_imports(SecretImport.objects.filter(folder_id=folder_id))

    def put_imports(self, folder_id: UUID) -> None:
        self._changes[folder_id] += sum_of_imports(SecretImport.objects.filter(folder_id=folder_id))

    def drop_imports(self, rows: Iterable[SecretImport]) -> None:
        """Of folders that were sealed with them and came back without."""
        for row in rows:
            self._changes[row.folder_id] -= sum_of_imports([row])

    def hold(self, folders: Iterable[Folder]) -> None:
        """Before they get another path, or their environment another slug."""
        for folder in folders:
            self._held[folder.id] = sealed_sum(folder)

    def renew(self) -> None:
        """One that does not open was broken by somebody else, and stays so."""
        ids = [id_ for id_ in {*self._changes, *self._held} if self._changes.get(id_) or id_ in self._held]
        for start in range(0, len(ids), FEW):
            renewed = [folder for folder in self._rows(ids[start : start + FEW]) if self._renew(folder)]
            save_columns(renewed, ["seal"])
        self._changes.clear()
        self._held.clear()
        self._known.clear()

    def _rows(self, ids: list[UUID]) -> list[Folder]:
        if self._known.keys() >= set(ids):
            return [self._known[id_] for id_ in ids]
        return list(Folder.objects.select_related("environment").filter(id__in=ids))

    def _renew(self, folder: Folder) -> bool:
        total = self._held[folder.id] if folder.id in self._held else sealed_sum(folder)
        if total is None:
            return False
        folder.seal = seal_sum(folder, total + self._changes[folder.id])
        return True


def make_folder(
    environment: Environment, *, path: str, parent: Folder | None = None, name: str = "", id_: UUID | None = None
) -> Folder:
    """A new one, which holds nothing."""
    folder = Folder(id=id_ or uuid4(), environment=environment, path=path, parent=parent, name=name)
    folder.seal = seal_sum(folder, 0)
    folder.save(force_insert=True)
    return folder
