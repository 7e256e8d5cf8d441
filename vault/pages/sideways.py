"""The environments of a project beside one another: what is where, what differs, and copying it across."""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from vault.access import can, visible
from vault.access import place_of as place_in_vault
from vault.errors import Invalid
from vault.models import ROOT, Environment, Project
from vault.pages.access import allowed, page, place_of, url_of
from vault.rules import clean_path
from vault.sideways import ALL, DIFFERS, LACKS, Column, find_keys, find_paths, load_columns, load_rows

KEYS_A_PAGE = 50
# As many as fit beside one another; of more, a person chooses which.
MOST_COLUMNS = 6
COPYING = ("vault.reveal_secret", "vault.add_secret", "vault.change_secret")
WAYS = ((ALL, "All keys"), (DIFFERS, "What differs"), (LACKS, "What is missing somewhere"))


@allowed("vault.view_project", "vault.view_environment", "vault.view_folder", "vault.view_secret")
def side_by_side(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    if not project.is_kept_here:
        return redirect(url_of(project))
    every, paths = list(visible(request.user, project.environments.all())), find_paths(project, request.user)
    path, refusal = _path_in(request, otherwise=paths[0] if paths else ROOT)
    columns = [] if refusal else load_columns(_chosen(request, every), path, request.user)
    return page(
        request,
        "side_by_side",
        title="Environments side by side",
        project=project,
        environments=every if len(every) > MOST_COLUMNS else [],
        most=MOST_COLUMNS,
        columns=columns,
        has_folder=any(column.folder for column in columns),
        path=path,
        paths=paths,
        refusal=refusal,
        may_copy=len(columns) > 1 and all(_everywhere(request, columns, right) for right in COPYING),
        more=_more(request),
        **_keys(request, columns),
        **place_of(project),
    )


def _keys(request: HttpRequest, columns: list[Column]) -> dict[str, object]:
    """A page of the keys that are asked for, compared for whoever may read them."""
    compares = _everywhere(request, columns, "vault.reveal_secret")
    query, show = request.GET.get("q", "").strip(), request.GET.get("show", ALL)
    keys = find_keys(columns, query=query, show=show, compares=compares)
    shown = Paginator(keys, KEYS_A_PAGE).get_page(request.GET.get("page"))
    rows = load_rows(columns, list(shown), compares=compares)
    return {"rows": rows, "shown": shown, "query": query, "show": show, "ways": WAYS, "compares": compares}


def _everywhere(request: HttpRequest, columns: list[Column], permission: str) -> bool:
    """In each of the folders that are shown."""
    folders = [column.folder for column in columns if column.folder]
    return all(can(request.user, permission, place_in_vault(folder)) for folder in folders)


def _path_in(request: HttpRequest, otherwise: str) -> tuple[str, str]:
    """And why it can be none."""
    text = request.GET.get("path", "") or otherwise
    try:
        return clean_path(text), ""
    except Invalid as error:
        return text, error.message


def _chosen(request: HttpRequest, every: list[Environment]) -> list[Environment]:
    asked = request.GET.getlist("environment")
    return [each for each in every if not asked or each.slug in asked][:MOST_COLUMNS]


def _more(request: HttpRequest) -> str:
    """What goes with another page of the same, but for its number and the search."""
    kept = request.GET.copy()
    for name in ("page", "q"):
        kept.pop(name, None)
    return kept.urlencode()
