"""Filling a project with much at once: environments, folders, secrets, imports; in one change, all or nothing.

Creates and replaces what it is given, and deletes nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Max

from vault.access import Place
from vault.affected import load_edges
from vault.editing.actor import Actor
from vault.editing.change import Change, changing
from vault.editing.environments import LAST_POSITION, make_environment
from vault.editing.labels import add_tags
from vault.editing.rights import check_import_may_leave
from vault.editing.seals import make_folder
from vault.editing.secrets import put_secrets
from vault.errors import Invalid, Missing
from vault.models import ROOT, Environment, Folder, Project, SecretImport
from vault.rules import clean_path

# An environment's slug and a path.
At = tuple[str, str]


@dataclass(frozen=True)
class FolderContents:
    """What a folder gets. `imports` is its list as it shall be; what it imports besides stays, and counts for less."""

    environment_slug: str
    path: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    comments: Mapping[str, str] = field(default_factory=dict, repr=False)
    literal: Mapping[str, bool] = field(default_factory=dict)
    # By keys, the slugs of tags that they get besides those that they have.
    tags: Mapping[str, Collection[str]] = field(default_factory=dict)
    imports: Sequence[At] = ()


def write_contents(
    project: Project, environments: Sequence[tuple[str, str]], folders: Sequence[FolderContents], *, by: Actor
) -> None:
    """`environments` are (name, slug) of those to create. Folders come with those above them; imports come last."""
    if environments:
        by.demand("vault.add_environment", Place(project.id))
    with changing(project.id, by) as change:
        _make_environments(project, environments)
        rows = _Rows(change, project)
        for contents in folders:
            folder = rows.folder(contents.environment_slug, contents.path)
            said = contents.literal
            _, put = put_secrets(change, folder, contents.values, comments=contents.comments, literal=said)
            add_tags(change, project, {put[key]: slugs for key, slugs in contents.tags.items()})
        for contents in folders:
            if contents.imports:
                _set_imports(change, rows, contents)
        _check_no_circle(project)


def _make_environments(project: Project, environments: Sequence[tuple[str, str]]) -> None:
    last = project.environments.aggregate(last=Max("position"))["last"] or 0
    for count, (name, slug) in enumerate(environments, start=1):
        make_environment(project, name=name, slug=slug, position=min(last + count, LAST_POSITION))


class _Rows:
    """The folders of the project by place; those that are missing are made when they are asked for."""

    def __init__(self, change: Change, project: Project) -> None:
        self._change = change
        self._environments = {row.slug: row for row in Environment.objects.filter(project=project)}
        found = Folder.objects.filter(environment__project=project).select_related("environment")
        self._folders = {(row.environment.slug, row.path): row for row in found}

    def folder(self, slug: str, path: str) -> Folder:
        if (found := self._folders.get((slug, path))) is not None:
            return found
        if slug not in self._environments or clean_path(path) == ROOT:
            raise Missing(f"There is no environment {slug} in the project. Nothing was written.")
        above, _, name = clean_path(path).rpartition("/")
        parent = self.folder(slug, above or ROOT)
        made = make_folder(self._environments[slug], path=parent.prefix + name, parent=parent, name=name)
        self._change.mark(made.id)
        self._folders[slug, path] = made
        return made

    def existing(self, at: At) -> Folder:
        if at not in self._folders:
            raise Missing(f"There is no folder {at[0]}:{at[1]} to import. Nothing was written.")
        return self._folders[at]


def _set_imports(change: Change, rows: _Rows, contents: FolderContents) -> None:
    folder = rows.folder(contents.environment_slug, contents.path)
    present = {row.source_id: row for row in SecretImport.objects.filter(folder=folder).order_by("position")}
    wanted: list[SecretImport] = []
    for at in contents.imports:
        source = rows.existing(at)
        check_import_may_leave(folder, source, by=change.by)
        is_there = source.id in present
        wanted.append(present.pop(source.id) if is_there else SecretImport(folder=folder, source=source))
    change.seals.take_imports(folder.id)
    for position, row in enumerate([*present.values(), *wanted], start=1):
        row.position = position
        row.save()
    change.seals.put_imports(folder.id)
    change.mark(folder.id)


def _check_no_circle(project: Project) -> None:
    """Refuses imports that lead back to their folder, by any number of others."""
    importers = load_edges(project.id).importers
    waiting_for: dict[UUID, int] = defaultdict(int)
    for folder_ids in importers.values():
        for folder_id in folder_ids:
            waiting_for[folder_id] += 1
    free = [folder_id for folder_id in importers if not waiting_for[folder_id]]
    while free:
        for folder_id in importers.get(free.pop(), ()):
            waiting_for[folder_id] -= 1
            if not waiting_for[folder_id]:
                free.append(folder_id)
    if any(waiting_for.values()):
        raise Invalid("The imports would lead round in a circle. Nothing was written.", field="source")
