"""What of a project the vault can take, and why not the rest. Pure: the vault's rules look at text alone."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from sources.contents import Contents, KeptFolder, KeptSecret, Left, shown
from sources.protocol import EnvironmentEntry, Place
from vault.errors import Invalid
from vault.references import find_references
from vault.rules import check_resolvable, check_value, clean_comment, clean_key, clean_name, clean_path, clean_slug

LONGEST_NAME = 64


@dataclass
class Fitting:
    """`folders` as the vault takes them. `refused` is what it does not take; `left`, what nobody would see anyway."""

    environments: list[EnvironmentEntry] = field(default_factory=list)
    folders: list[KeptFolder] = field(default_factory=list)
    refused: list[Left] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def fit(contents: Contents, there: Collection[Place], imports: dict[Place, list[Place]]) -> Fitting:
    """`there` are the places that the vault's project has, and `imports` what these import."""
    fitting = Fitting(left=list(contents.left))
    slugs = {entry.slug: problem for entry in contents.environments if (problem := _slug_problem(entry.slug))}
    fitting.refused += [Left(slug, "the environment with all that it holds", why) for slug, why in slugs.items()]
    fitting.environments = [_named(entry) for entry in contents.environments if entry.slug not in slugs]
    paths: list[KeptFolder] = []
    for folder in contents.folders:
        if folder.place.environment_slug in slugs:
            continue
        if problem := _path_problem(folder.place.path):
            fitting.refused.append(
                Left(str(folder.place), f"the folder with its {len(folder.secrets)} secrets", problem)
            )
            continue
        paths.append(folder)
    kept = [KeptFolder(each.place, tuple(_secrets(each, fitting)), each.imports) for each in paths]
    fitting.folders = _Imports(contents, kept, there, imports, fitting).judged()
    return fitting


def _named(entry: EnvironmentEntry) -> EnvironmentEntry:
    """A name is for people: one that the vault does not take is its slug."""
    try:
        return EnvironmentEntry(entry.slug, clean_name(entry.name[:LONGEST_NAME]), entry.id)
    except Invalid:
        return EnvironmentEntry(entry.slug, entry.slug, entry.id)


def _slug_problem(slug: str) -> str:
    try:
        return "" if clean_slug(slug) == slug else "a slug of the vault is in small letters"
    except Invalid as error:
        return error.message


def _is_slug(tag: str) -> bool:
    return not _slug_problem(tag)


def _path_problem(path: str) -> str:
    try:
        return "" if clean_path(path) == path else "it has a name with spaces around it"
    except Invalid as error:
        return error.message


def _secrets(folder: KeptFolder, fitting: Fitting) -> Iterator[KeptSecret]:
    keys = {secret.key for secret in folder.secrets}
    for secret in folder.secrets:
        if problem := _problem(secret, keys):
            fitting.refused.append(Left(str(folder.place), shown(secret.key), problem))
            continue
        comment = _comment(secret.comment)
        if comment is None:
            fitting.refused.append(
                Left(str(folder.place), f"the comment of {secret.key}", "it is too long, or has control characters")
            )
        tags = frozenset(tag for tag in secret.tags if _is_slug(tag))
        fitting.refused += [
            Left(str(folder.place), f"the tag {shown(tag)} of {secret.key}", "a slug of the vault is in small letters")
            for tag in sorted(secret.tags - tags)
        ]
        yield KeptSecret(secret.key, secret.value, comment or "", secret.is_literal, tags=tags)


def _problem(secret: KeptSecret, keys: Collection[str]) -> str:
    if secret.problem:
        return secret.problem
    try:
        if clean_key(secret.key) != secret.key:
            return "its name has spaces around it"
        check_value(secret.key, secret.value)
        if not secret.is_literal:
            check_resolvable(secret.key, secret.value)
    except Invalid as error:
        return error.message
    references = () if secret.is_literal else find_references(secret.value)
    taken = next((each for each in references if each.environment_slug and each.inner in keys), None)
    return f"its reference {taken} would mean the key of that name in its own folder" if taken else ""


def _comment(comment: str) -> str | None:
    try:
        return clean_comment(comment)
    except Invalid:
        return None


class _Imports:
    """Which imports the vault can have: of folders that are there then, each once, and none that leads back."""

    def __init__(
        self,
        contents: Contents,
        kept: list[KeptFolder],
        there: Collection[Place],
        imports: dict[Place, list[Place]],
        fitting: Fitting,
    ) -> None:
        self._in_source = {folder.place for folder in contents.folders}
        self._known = {entry.slug for entry in contents.environments}
        self._kept = kept
        self._places = {folder.place for folder in kept} | set(there)
        self._shown = {place: set(sources) for place, sources in imports.items()}
        self._fitting = fitting

    def judged(self) -> list[KeptFolder]:
        return [KeptFolder(each.place, each.secrets, tuple(self._of(each))) for each in self._kept]

    def _of(self, folder: KeptFolder) -> Iterator[Place]:
        for source in dict.fromkeys(folder.imports):
            if why := self._why_not(folder.place, source):
                # What Infisical itself cannot show is no loss.
                is_loss = source in self._in_source or source.environment_slug not in self._known
                into = self._fitting.refused if is_loss else self._fitting.left
                into.append(Left(str(folder.place), f"the import of {source}", why))
                continue
            self._shown.setdefault(folder.place, set()).add(source)
            yield source

    def _why_not(self, place: Place, source: Place) -> str:
        if source not in self._places:
            if source in self._in_source:
                return "the vault does not take that folder"
            if source.environment_slug in self._known:
                return "there is no such folder"
            return "that environment is not there, or not among those that are copied"
        return "it would lead back to this folder" if self._reaches(source, place) else ""

    def _reaches(self, start: Place, goal: Place) -> bool:
        waiting, seen = [start], {start}
        while waiting:
            at = waiting.pop()
            if at == goal:
                return True
            more = self._shown.get(at, set()) - seen
            seen |= more
            waiting.extend(more)
        return False
