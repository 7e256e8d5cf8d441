"""What a project of the vault holds already, to compare a copy with."""

from dataclasses import dataclass, field

from sources.protocol import Place
from vault.errors import Unreadable
from vault.models import Folder, Project, Secret, SecretImport
from vault.values import open_value

ROWS = 500


@dataclass(frozen=True)
class Present:
    """A secret of the vault. `value` is None for one that cannot be opened."""

    value: str | None = field(repr=False)
    comment: str = field(default="", repr=False)
    is_literal: bool = False
    tags: frozenset[str] = frozenset()


@dataclass
class Existing:
    """By place; a new project holds nothing."""

    environments: set[str] = field(default_factory=set)
    secrets: dict[Place, dict[str, Present]] = field(default_factory=dict)
    imports: dict[Place, list[Place]] = field(default_factory=dict)


def load_existing(project: Project | None) -> Existing:
    found = Existing()
    if project is None:
        return found
    found.environments = set(project.environments.values_list("slug", flat=True))
    for folder in Folder.objects.filter(environment__project=project).select_related("environment"):
        found.secrets[_place(folder)] = {}
    secrets = Secret.objects.filter(folder__environment__project=project).select_related("folder__environment")
    for secret in secrets.prefetch_related("tags").iterator(chunk_size=ROWS):
        found.secrets[_place(secret.folder)][secret.key] = _present(secret)
    rows = SecretImport.objects.filter(folder__environment__project=project).order_by("position", "created_at")
    for row in rows.select_related("folder__environment", "source__environment"):
        found.imports.setdefault(_place(row.folder), []).append(_place(row.source))
    return found


def _present(secret: Secret) -> Present:
    value: str | None
    try:
        value = open_value(secret)
    except Unreadable:
        value = None
    return Present(value, secret.comment, secret.is_literal, frozenset(secret.tag_slugs))


def _place(folder: Folder) -> Place:
    return Place(folder.environment.slug, folder.path)
