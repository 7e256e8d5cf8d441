"""What a copy does to a project of the vault: counts, rows and reasons; names alone. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from encryption import fingerprint
from sources.contents import Contents, KeptFolder, KeptSecret, Left
from sources.copying.existing import Existing, Present
from sources.copying.fitting import fit
from sources.protocol import EnvironmentEntry, Place
from vault.editing import FolderContents
from vault.references import find_references

NEW, SAME, DIFFERS = "new", "same", "differs"
# So many rows of each sort a plan tells one by one; its counts tell of all.
MOST_ROWS = 500


@dataclass(frozen=True)
class Row:
    """What becomes of one secret, or of the imports of a folder."""

    place: str
    name: str
    mark: str


@dataclass(frozen=True)
class Folder:
    """What a folder gets, in numbers."""

    place: str
    mark: str
    new: int = 0
    same: int = 0
    differs: int = 0
    imports: int = 0
    references: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.same or self.differs)


@dataclass
class Plan:
    """`hidden` forbids the copy; `refused` is left out only if a person says so; `left` and `dangling` are to know."""

    environments: list[tuple[str, str]] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    hidden: list[Left] = field(default_factory=list)
    refused: list[Left] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    dangling: list[Left] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    digest: str = ""

    @property
    def changes_anything(self) -> bool:
        """Whether it would write at all, were everything that differs replaced."""
        return any(self.counts.get(name) for name in ("environments_new", "folders_new", NEW, DIFFERS, "imports_new"))

    def as_json(self) -> dict[str, Any]:
        """As it is kept: of each sort as many rows as somebody reads."""
        packed = asdict(self)
        for name in ("rows", "hidden", "refused", "left", "dangling"):
            packed[name] = packed[name][:MOST_ROWS]
        return packed

    @classmethod
    def of_json(cls, packed: Mapping[str, Any]) -> "Plan":
        lefts = {name: [Left(**each) for each in packed[name]] for name in ("hidden", "refused", "left", "dangling")}
        return cls(
            environments=[(slug, mark) for slug, mark in packed["environments"]],
            folders=[Folder(**each) for each in packed["folders"]],
            rows=[Row(**each) for each in packed["rows"]],
            counts=dict(packed["counts"]),
            digest=packed["digest"],
            **lefts,
        )


@dataclass(frozen=True)
class Drafted:
    """A plan with what it would write."""

    plan: Plan
    environments: list[EnvironmentEntry]
    folders: list[KeptFolder] = field(repr=False)
    existing: Existing = field(repr=False)

    def to_create(self) -> list[tuple[str, str]]:
        return [(entry.name, entry.slug) for entry in self.environments if entry.slug not in self.existing.environments]

    def to_write(self, *, replaces: bool) -> Iterator[FolderContents]:
        for folder in self.folders:
            present = self.existing.secrets.get(folder.place, {})
            written = [each for each in folder.secrets if replaces or each.key not in present]
            imports = _Imports(folder, self.existing)
            shown = folder.imports if replaces and imports.differ else imports.joined if imports.new else ()
            yield FolderContents(
                folder.place.environment_slug,
                folder.place.path,
                values={each.key: each.value for each in written},
                comments={each.key: each.comment for each in written},
                literal={each.key: each.is_literal for each in written},
                tags={each.key: each.tags for each in written if each.tags},
                imports=[(at.environment_slug, at.path) for at in shown],
            )


class _Imports:
    """Of a folder: those that are new come last, where they win, unless the order of the source is to be taken."""

    def __init__(self, folder: KeptFolder, existing: Existing) -> None:
        there = existing.imports.get(folder.place, [])
        self.new = [at for at in folder.imports if at not in there]
        self.joined = (*there, *self.new)
        self.differ = [at for at in self.joined if at in folder.imports] != list(folder.imports)


def draft(contents: Contents, existing: Existing, *, into: str) -> Drafted:
    """`into` says which project is meant, or what a new one is called; a plan for another one is another plan."""
    fitting = fit(contents, existing.secrets, existing.imports)
    plan = Plan(hidden=list(contents.hidden), refused=fitting.refused, left=fitting.left)
    for entry in fitting.environments:
        plan.environments.append((entry.slug, SAME if entry.slug in existing.environments else NEW))
    for folder in fitting.folders:
        _look_at(folder, existing, plan)
    # What asks for a choice comes first.
    plan.rows.sort(key=lambda row: row.mark != DIFFERS)
    plan.dangling = list(_dangling(fitting.folders, existing))
    plan.counts |= _counts(plan)
    plan.digest = _digest(contents, existing, into)
    return Drafted(plan, fitting.environments, fitting.folders, existing)


def _look_at(folder: KeptFolder, existing: Existing, plan: Plan) -> None:
    present = existing.secrets.get(folder.place)
    counts = dict.fromkeys((NEW, SAME, DIFFERS), 0)
    for secret in folder.secrets:
        mark = _mark(secret, (present or {}).get(secret.key))
        counts[mark] += 1
        if mark != SAME:
            plan.rows.append(Row(str(folder.place), secret.key, mark))
    imports = _Imports(folder, existing)
    plan.rows += [Row(str(folder.place), f"the import of {at}", NEW) for at in imports.new]
    if imports.differ:
        plan.rows.append(Row(str(folder.place), "the order of its imports", DIFFERS))
        counts[DIFFERS] += 1
    plan.counts["imports_new"] = plan.counts.get("imports_new", 0) + len(imports.new)
    references = sum(len(find_references(each.value)) for each in folder.secrets if not each.is_literal)
    mark = NEW if present is None else SAME
    plan.folders.append(Folder(str(folder.place), mark, **counts, imports=len(folder.imports), references=references))


def _mark(secret: KeptSecret, present: Present | None) -> str:
    if present is None:
        return NEW
    is_same = (present.value, present.comment, present.is_literal) == (secret.value, secret.comment, secret.is_literal)
    # Tags that it has here alone stay.
    return SAME if is_same and secret.tags <= present.tags else DIFFERS


def _counts(plan: Plan) -> dict[str, int]:
    return {
        "rows": len(plan.rows),
        "environments": len(plan.environments),
        "environments_new": sum(mark == NEW for _, mark in plan.environments),
        "folders": len(plan.folders),
        "folders_new": sum(each.mark == NEW for each in plan.folders),
        NEW: sum(each.new for each in plan.folders),
        SAME: sum(each.same for each in plan.folders),
        DIFFERS: sum(each.differs for each in plan.folders),
        "imports": sum(each.imports for each in plan.folders),
        "references": sum(each.references for each in plan.folders),
        "hidden": len(plan.hidden),
        "refused": len(plan.refused),
        "left": len(plan.left),
        "dangling": len(plan.dangling),
    }


def _dangling(folders: list[KeptFolder], existing: Existing) -> Iterator[Left]:
    """References that lead nowhere in the copy: they are copied, and a sync that reads them says so."""
    keys = {place: set(secrets) for place, secrets in existing.secrets.items()}
    imports = {place: list(sources) for place, sources in existing.imports.items()}
    for folder in folders:
        keys.setdefault(folder.place, set()).update(each.key for each in folder.secrets)
        imports.setdefault(folder.place, []).extend(folder.imports)
    for folder in folders:
        for secret in folder.secrets:
            for reference in () if secret.is_literal else find_references(secret.value):
                named = (
                    Place(reference.environment_slug, reference.path) if reference.environment_slug else folder.place
                )
                if not _shows(named, reference.key, keys, imports):
                    yield Left(str(folder.place), secret.key, f"{reference} leads nowhere")


def _shows(place: Place, key: str, keys: Mapping[Place, set[str]], imports: Mapping[Place, list[Place]]) -> bool:
    waiting, seen = [place], {place}
    while waiting:
        at = waiting.pop()
        if key in keys.get(at, ()):
            return True
        more = set(imports.get(at, ())) - seen
        seen |= more
        waiting.extend(more)
    return False


def _digest(contents: Contents, existing: Existing, into: str) -> str:
    """Of all that the plan was made of, values as well, under a key: another one means another plan."""
    source = [
        [str(each.place), sorted(_parts(secret) for secret in each.secrets), list(map(str, each.imports))]
        for each in contents.folders
    ]
    there = [
        [
            str(place),
            sorted(
                [key, each.value, each.comment, each.is_literal, sorted(each.tags)] for key, each in secrets.items()
            ),
            list(map(str, existing.imports.get(place, ()))),
        ]
        for place, secrets in sorted(existing.secrets.items(), key=lambda item: str(item[0]))
    ]
    rest = [[entry.slug, entry.name] for entry in contents.environments]
    lefts = [asdict(each) for each in (*contents.hidden, *contents.left)]
    return fingerprint("sources.copying", json.dumps([into, rest, source, there, lefts], sort_keys=True))


def _parts(secret: KeptSecret) -> list[str | bool | list[str]]:
    return [secret.key, secret.value, secret.comment, secret.is_literal, secret.problem, sorted(secret.tags)]
