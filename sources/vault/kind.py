"""The built-in vault among the kinds of sources."""

from collections.abc import Sequence

from django.db.models import Value
from django.db.models.functions import Concat

from sources.kinds import Kind, Opening
from sources.protocol import EnvironmentEntry, Found, Place
from sources.vault.clashes import find_clashes
from sources.vault.rows import Folders
from sources.vault.source import VaultSource, translated
from vault import models
from vault.reading import find_folder


def open_vault(opening: Opening) -> VaultSource:
    return VaultSource(opening.project_id, opening.project_slug)


def find_in_vault(project: models.Project, environment_slug: str, path: str) -> Found:
    with translated():
        return _found(find_folder(project, environment_slug, path))


def list_places(project: models.Project) -> Sequence[Found]:
    rows = models.Folder.objects.filter(environment__project=project).select_related("environment")
    ordered = rows.order_by("environment__position", "environment__slug", "path")
    return Folders(ordered, _found, label=Concat("environment__slug", Value(":"), "path"))


def _found(folder: models.Folder) -> Found:
    row = folder.environment
    return Found(Place(row.slug, folder.path, str(folder.pk)), EnvironmentEntry(row.slug, row.name, str(row.pk)))


VAULT = Kind(
    name=models.VAULT,
    label="Built-in vault",
    open=open_vault,
    find=find_in_vault,
    list_places=list_places,
    find_clashes=find_clashes,
    has_tags=True,
)
