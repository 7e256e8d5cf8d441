"""The folders of a project for its page: environment by environment, in the order of a tree, and some at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Count

from vault.access import visible
from vault.models import ROOT, Environment, Folder, Project

FOLDERS_A_PAGE = 50


@dataclass(frozen=True)
class Tree:
    """A page of an environment's folders: each before what is in it, and all that is in it before the next one."""

    root_id: UUID | None
    page: "Page[UUID]"
    folders: list[Folder]

    def __iter__(self) -> Iterator[Folder]:
        return iter(self.folders)

    def __len__(self) -> int:
        return len(self.folders)


def load_trees(
    project: Project, user: User, *, query: str = "", environment: str = "", page: str = ""
) -> list[tuple[Environment, Tree]]:
    """Of each environment that the user sees the first page, or of the named one that page; with a query, of what has
    it in its path."""
    paths: dict[UUID, list[tuple[str, UUID]]] = {}
    rows = visible(user, Folder.objects.filter(environment__project=project).order_by())
    for environment_id, path, folder_id in rows.values_list("environment_id", "path", "id"):
        paths.setdefault(environment_id, []).append((path, folder_id))
    environments = list(visible(user, project.environments.all()))
    pages = {
        each.id: Paginator(_ids(paths.get(each.id, []), query), FOLDERS_A_PAGE).get_page(
            page if each.slug == environment else 1
        )
        for each in environments
    }
    shown = [folder_id for each in pages.values() for folder_id in each]
    folders = rows.annotate(secret_count=Count("secrets", distinct=True)).in_bulk(shown)
    return [
        (
            each,
            Tree(
                _root(paths.get(each.id, [])),
                pages[each.id],
                [folders[id_] for id_ in pages[each.id] if id_ in folders],
            ),
        )
        for each in environments
    ]


def _ids(paths: list[tuple[str, UUID]], query: str) -> list[UUID]:
    ordered = sorted(paths, key=lambda row: [] if row[0] == ROOT else row[0].split("/"))
    return [folder_id for path, folder_id in ordered if query.lower() in path.lower()]


def _root(paths: list[tuple[str, UUID]]) -> UUID | None:
    return next((folder_id for path, folder_id in paths if path == ROOT), None)
