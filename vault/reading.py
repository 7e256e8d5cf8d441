"""READ SOURCE of the vault: a folder in, its secrets out, with imports and references resolved. Writes nothing.

Whatever can't be read whole is a `SourceError`, never a smaller set; what the rules are is in `vault.resolution`.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User

from vault.access import Sight, demand_at, place_of
from vault.elsewhere import check_kept_here
from vault.errors import FolderMissing, Invalid, Missing, SourceError, VaultError
from vault.loading import Asked, check_folder, load_resolver, load_resolver_of_many
from vault.models import Folder, Project, Secret
from vault.resolution import Resolver, StoredSecret, Visible
from vault.rules import clean_path
from vault.values import open_value, open_version


@dataclass(frozen=True)
class SourceSecret:
    """One secret as a reader of a folder sees it; `environment_slug` and `path` say where it is stored."""

    key: str
    value: str = field(repr=False)
    environment_slug: str
    path: str
    secret_id: UUID
    unresolved: tuple[str, ...] = ()
    """The references that stand as text in the value, because they lead nowhere; where that is allowed."""
    comment: str = field(default="", repr=False)
    tags: frozenset[str] = frozenset()
    """Slugs, where they were asked for."""


@dataclass(frozen=True)
class ImportedFolder:
    """What one import of a folder brings, its own imports included, but for the keys that a later import brings too.

    So a reader who lets the first import win computes the same as one who lets the last; own secrets win with both.
    """

    folder_id: UUID
    environment_slug: str
    path: str
    secrets: list[SourceSecret]


@dataclass(frozen=True)
class FolderContents:
    """A folder's own secrets and each of its imports, in order, apart."""

    folder_id: UUID
    environment_slug: str
    path: str
    secrets: list[SourceSecret]
    imports: list[ImportedFolder]


def read_secrets(
    folder: Folder, *, recursive: bool = False, tags: bool = False, sees: Sight | None = None
) -> list[SourceSecret]:
    """The secrets of a folder, merged and expanded, by key; `recursive` adds those of the folders below it. A secret
    that comes from elsewhere has the `tags` that it has there.

    Raises a SourceError where `sees` denies some of what belongs to it.
    """
    resolver, folder_ids = load_resolver(folder, recursive=recursive, tags=tags, sees=sees)
    if any(map(resolver.hides, folder_ids)):
        # Which, they may not even know.
        raise SourceError(
            f"{folder} shows secrets of another folder, whose values you may not read. Ask a manager of the project "
            "for the role Reader of values wherever its imports lead."
        )
    return _read(resolver, folder_ids)


def read_each(asked: Sequence[Asked]) -> list[list[SourceSecret] | VaultError]:
    """What `read_secrets` answers or raises for each of several folders of a project, in no more statements."""
    resolver, read = load_resolver_of_many(asked)
    return [each if isinstance(each, VaultError) else _read_or_error(resolver, each) for each in read]


def _read_or_error(resolver: Resolver, folder_ids: Sequence[UUID]) -> list[SourceSecret] | VaultError:
    try:
        return _read(resolver, folder_ids)
    except VaultError as error:
        return error


def _read(resolver: Resolver, folder_ids: Sequence[UUID]) -> list[SourceSecret]:
    visible = resolver.visible_together(folder_ids)
    return [_as_source(resolver, visible[key], expand=True) for key in sorted(visible)]


def read_contents(
    folder: Folder,
    *,
    recursive: bool = False,
    imports: bool = True,
    expand: bool = True,
    opens: bool = True,
    only: Container[UUID] | None = None,
    sees: Sight | None = None,
) -> list[FolderContents]:
    """Folder by folder, own secrets and imports apart, for answers that show where each secret is from.

    Only what is asked for is opened and resolved: without `opens` nothing, and every value is empty. A reference that
    leads nowhere stays as text, and is named. `only` leaves out all others; what `sees` denies is as if not there.
    """
    resolver, folder_ids = load_resolver(
        folder, recursive=recursive, follow_references=expand and opens, lenient=True, sees=sees
    )
    return [
        FolderContents(
            folder_id,
            *_at(resolver, folder_id),
            [
                _as_source(resolver, secret, expand=expand, opens=opens)
                for secret in _by_key(resolver.own(folder_id))
                if only is None or secret.id in only
            ],
            _read_imports(resolver, folder_id, expand=expand, opens=opens, only=only) if imports else [],
        )
        for folder_id in folder_ids
    ]


def read_one(
    folder: Folder, key: str, *, imports: bool, expand: bool, opens: bool = True, sees: Sight | None = None
) -> SourceSecret | None:
    """What a folder shows under a key, with its imports or without; of the others nothing is opened or resolved.

    A reference that leads nowhere stays as text, and is named.
    """
    resolver, _ = load_resolver(folder, follow_references=expand and opens, lenient=True, sees=sees)
    secret = (resolver.visible(folder.id) if imports else resolver.own(folder.id)).get(key)
    return _as_source(resolver, secret, expand=expand, opens=opens) if secret else None


def list_keys(folder: Folder, *, recursive: bool = False) -> list[str]:
    """The keys that `read_secrets` would answer; opens no value, so references are not looked at."""
    resolver, folder_ids = load_resolver(folder, recursive=recursive, follow_references=False)
    return sorted(resolver.visible_together(folder_ids))


def list_tags(folder: Folder, *, recursive: bool = False) -> dict[str, frozenset[str]]:
    """The same keys, each with the tags of its secret."""
    resolver, folder_ids = load_resolver(folder, recursive=recursive, follow_references=False, tags=True)
    return {key: secret.tags for key, secret in sorted(resolver.visible_together(folder_ids).items())}


def find_folder(project: Project, environment_slug: str, path: str) -> Folder:
    """The folder at a path, or FolderMissing, which says what there is instead; KeptElsewhere for other projects."""
    check_kept_here(project)
    slug = environment_slug.strip()
    here = Folder.objects.select_related("environment__project").filter(environment__project=project)
    try:
        path = clean_path(path)
    except Invalid as error:
        _check_environment(project, slug)
        raise FolderMissing(error.message) from error
    folder = here.filter(environment__slug=slug, path=path).first()
    if folder is None:
        _check_environment(project, slug)
        raise FolderMissing(f"There is no folder {path} in {project.slug}, {slug}. Create it, or correct the path.")
    return folder


def _check_environment(project: Project, slug: str) -> None:
    there = list(project.environments.values_list("slug", flat=True))
    if slug not in there:
        names = ", ".join(there) or "none yet"
        raise FolderMissing(f"The project {project.slug} has no environment “{slug}”. It has: {names}.")


def reveal(secret: Secret, user: User, *, version: int | None = None, purpose: str = "") -> str:
    """The value as stored, for a user who may see it; who saw what is noted in the admin's log, and for which
    `purpose`: "to copy it"."""
    demand_at(user, place_of(secret), "vault.reveal_secret")
    number = secret.version if version is None else version
    value = read_version(secret, number)
    said = " ".join(["Revealed the value of version", str(number), *([purpose] if purpose else [])])
    LogEntry.objects.log_actions(user.pk, [secret], CHANGE, change_message=f"{said}.", single_object=True)
    return value


def read_version(secret: Secret, number: int) -> str:
    """The value as it was stored at a version, for callers that have checked permission and note the reading."""
    row = secret.versions.filter(version=number).first()
    if row is None:
        raise Missing(f"{secret.key} has no version {number}.")
    check_folder(secret.folder)
    return open_value(secret) if number == secret.version else open_version(row, key=secret.key)


def _read_imports(
    resolver: Resolver, folder_id: UUID, *, expand: bool, opens: bool, only: Container[UUID] | None
) -> list[ImportedFolder]:
    own, sources = resolver.own(folder_id), resolver.imports(folder_id)
    winner = {key: source for source in sources for key in resolver.visible(source)}
    found = []
    for source in sources:
        secrets = []
        for secret in _by_key(resolver.visible(source)):
            if winner[secret.key] != source or (only is not None and secret.id not in only):
                continue
            try:
                secrets.append(_as_source(resolver, secret, expand=expand, opens=opens))
            except SourceError:
                # No sync reads one that the folder overrides, so it may be broken.
                if secret.key not in own:
                    raise
        found.append(ImportedFolder(source, *_at(resolver, source), secrets))
    return found


def _by_key(secrets: Visible) -> list[StoredSecret]:
    return sorted(secrets.values(), key=lambda secret: secret.key)


def _at(resolver: Resolver, folder_id: UUID) -> tuple[str, str]:
    place = resolver.place(folder_id)
    return place.environment_slug, place.path


def _as_source(resolver: Resolver, secret: StoredSecret, *, expand: bool, opens: bool = True) -> SourceSecret:
    place = resolver.place(secret.folder_id)
    read = resolver.value if expand else resolver.raw_value
    value = read(secret) if opens else ""
    unresolved = resolver.unresolved(secret)
    at = (place.environment_slug, place.path)
    return SourceSecret(secret.key, value, *at, secret.id, unresolved, secret.comment, secret.tags)
