"""The pages of projects that are kept elsewhere: to link one, and to look at it. Names and times, never a value.

Each view checks its permissions. The source is asked with little patience and outside of any transaction; what it does
not tell now is shown as it was told before, with the reason.
"""

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from common.returning import way_on, with_query, with_way_back
from connections.models import Connection
from connections.reach import VIEW, may
from sources.choosing import PATIENCE, Asking, Listing, environments_of, folders_of
from sources.copying.copying import RIGHTS
from sources.errors import SourceError
from sources.finding import clean_path
from sources.forms import LinkForm, PollForm, SuggestsProjects, source_connections
from sources.kinds import RemoteProject
from sources.linking import keep_link, prove, set_poll_seconds
from sources.models import LinkedProject
from sources.protocol import EnvironmentEntry, FolderEntry, Place, TellsImports
from sources.readers import readers_of
from sources.registry import kind_for, kind_of, open_source, refused_without_credentials, remote_kinds
from sources.words import UNTOLD, page_of
from vault.access import Place as PlaceHere
from vault.access import can
from vault.errors import EditingError
from vault.models import Project
from vault.pages.access import actor_of, allowed, done, refuse

Entry = TypeVar("Entry")
# For whoever may not see the connection, what came back from it would tell of it.
MOST_KEYS = 500
MOST_FOLDERS = 100
# With more folders than this there is a field to search them.
SEARCHED_FROM = 20


@dataclass(frozen=True)
class Shown:
    """What a page shows of one place: its keys, and where they are seen in the source.

    `imports` is None where a source has none, or does not tell.
    """

    keys: list[str] = field(default_factory=list)
    count: int = 0
    imports: list[Place] | None = None
    link: str = ""
    problem: str = ""

    @property
    def left_out(self) -> int:
        return self.count - len(self.keys)


@allowed("vault.add_project", "connections.use_connection")
def link_page(request: HttpRequest) -> HttpResponse:
    if request.method == "POST" and "show" not in request.POST:
        form = LinkForm(request.POST)
        if form.is_valid() and (project := _link(request, form)) is not None:
            return _linked(request, project)
        return _link_page(request, form)
    entered = request.POST if request.method == "POST" else request.GET
    form = LinkForm(initial=entered.dict())
    asks = request.method == "POST" or "connection" in entered
    return _link_page(request, form, problem=suggest(form, entered.get("connection")) if asks else "")


def _link_page(request: HttpRequest, form: LinkForm, *, problem: str = "") -> HttpResponse:
    """A connection that is made meanwhile leads back here, and this page to where it was asked for."""
    back = way_on(request)
    here = with_way_back(reverse("admin:sources_link"), back) if back else reverse("admin:sources_link")
    new_connection = with_way_back(reverse("admin:connections_connection_add"), here, app=remote_kinds()[0].app)
    context = {
        "form": form,
        "problem": problem,
        "has_connections": source_connections().exists(),
        "new_connection": new_connection,
        "back": back or reverse("admin:vault_project_changelist"),
    }
    return _page(request, "link", title="Link a project", **context)


def _linked(request: HttpRequest, project: Project) -> HttpResponse:
    answer = done(request, project, ADDITION, f"Linked the project {project.name}.", go_to=project)
    back = way_on(request)
    return redirect(with_query(back, project=str(project.pk))) if back else answer


def _link(request: HttpRequest, form: LinkForm) -> Project | None:
    """Asks the source, then keeps what it said. None if one of them refuses, which the form then says."""
    connection: Connection = form.cleaned_data["connection"]
    try:
        proof = prove(connection, form.cleaned_data["remote_project"])
        return keep_link(connection, proof, form.naming, by=actor_of(request))
    except SourceError as error:
        form.add_error("remote_project", error.message)
    except EditingError as error:
        refuse(form, error)
    return None


def suggest(form: SuggestsProjects, connection_id: str | None) -> str:
    """The projects that a connection may read, as suggestions; why there are none."""
    try:
        connection = source_connections().filter(pk=UUID(connection_id or "")).first()
    except ValueError:
        connection = None
    if connection is None:
        return "Choose a connection first."
    kind = kind_for(connection)
    if kind is None or kind.list_projects is None:
        return "This source does not tell its projects. Enter the ID or the slug of one."
    try:
        with refused_without_credentials():
            projects: list[RemoteProject] = list(kind.list_projects(connection, PATIENCE))
    except SourceError as error:
        return error.message
    form.suggestions = projects
    return "" if projects else "The connection may read no project. Give its identity the right to read one."


@allowed("vault.view_project", "vault.view_environment", "vault.view_folder")
def project_page(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, pk=project_id)
    link = LinkedProject.objects.select_related("connection").filter(project=project).first()
    if link is None:
        return redirect("admin:vault_project_page", project_id)
    asking, seen = Asking(anew="again" in request.GET), Seen(request.user, link)
    environments = seen.environments(environments_of(project, asking))
    environment = _chosen(environments, request.GET.get("environment", ""))
    folders = Listing[FolderEntry]([]) if environment is None else seen.folders(project, environment, asking)
    path = request.GET.get("path", "")
    place = Place(environment.slug, clean_path(path)) if environment and path else None
    if place is not None and not seen.has(place, "vault.view_folder"):
        raise Http404
    context: dict[str, Any] = {
        "project": project,
        "link": link,
        "kind": kind_of(project),
        "may_copy": kind_of(project).read_contents is not None and request.user.has_perms(RIGHTS),
        "environments": environments,
        "environment": environment,
        "folders": folders,
        **_searched(folders, request.GET.get("q", "").strip()),
        "place": place,
        "chosen": _as_query(project, environment, place),
        "shown": seen.shown(project, place),
        **_read_by(project, place, request.user),
        "shows_connection": seen.shows_connection,
        "poll_form": PollForm(initial={"poll_seconds": link.poll_seconds}),
    }
    return _page(request, "project", title=project.name, **context)


class Seen:
    """What of a project that is kept elsewhere a person sees: the places of their rights, and how its connection fares
    where they see that."""

    def __init__(self, user: Any, link: LinkedProject) -> None:
        self._user, self._project_id = user, link.project_id
        self.shows_connection = user.has_perm("vault.view_project") or may(user, VIEW, link.connection)

    def has(self, place: Place, permission: str) -> bool:
        return can(self._user, permission, PlaceHere(self._project_id, place.environment_slug, place.path))

    def environments(self, listing: Listing[EnvironmentEntry]) -> Listing[EnvironmentEntry]:
        def sees(entry: EnvironmentEntry) -> bool:
            return can(self._user, "vault.view_environment", PlaceHere(self._project_id, entry.slug))

        return self._told(listing, [entry for entry in listing.entries if sees(entry)])

    def folders(self, project: Project, environment: EnvironmentEntry, asking: Asking) -> Listing[FolderEntry]:
        listing, slug = folders_of(project, environment.slug, asking), environment.slug
        rows = [entry for entry in listing.entries if self.has(Place(slug, entry.path), "vault.view_folder")]
        return self._told(listing, rows)

    def shown(self, project: Project, place: Place | None) -> Shown | None:
        """What is at a place, for whoever may see its keys."""
        if place is None or not self.has(place, "vault.view_secret"):
            return None
        shown = _show(project, place)
        imports = shown.imports and [each for each in shown.imports if self.has(each, "vault.view_folder")]
        problem = UNTOLD if shown.problem and not self.shows_connection else shown.problem
        return replace(shown, imports=imports, problem=problem)

    def _told(self, listing: Listing[Entry], entries: list[Entry]) -> Listing[Entry]:
        problem = UNTOLD if listing.problem and not self.shows_connection else listing.problem
        return Listing(entries, problem, listing.told_at)


def _read_by(project: Project, place: Place | None, user: Any) -> dict[str, Any]:
    readers = [each for each in readers_of(project, user) if place is None or each.reads(place)]
    seen = [each for each in readers if each.is_seen]
    return {"readers": seen, "unseen_readers": len(readers) - len(seen)}


def _searched(folders: Listing[FolderEntry], search: str) -> dict[str, Any]:
    """Those that have the text in their path, as many as anybody reads."""
    found = [entry for entry in folders.entries if search.lower() in entry.path.lower()]
    return {
        "found": found[:MOST_FOLDERS],
        "left_out": max(len(found) - MOST_FOLDERS, 0),
        "is_searched": bool(search) or len(folders.entries) > SEARCHED_FROM,
        "search": search,
    }


def _chosen(environments: Listing[EnvironmentEntry], slug: str) -> EnvironmentEntry | None:
    named = [entry for entry in environments.entries if entry.slug == slug]
    only = environments.entries if len(environments.entries) == 1 else []
    return next(iter([*named, *only]), None)


def _as_query(project: Project, environment: EnvironmentEntry | None, place: Place | None) -> str:
    """What the page is of, as the wizard's first step takes it."""
    chosen = {"project": str(project.pk)}
    if environment is not None:
        chosen["environment"] = environment.id or environment.slug
    if place is not None:
        chosen["folder"] = place.path
    return urlencode(chosen)


def _show(project: Project, place: Place) -> Shown:
    try:
        with open_source(project, patience=PATIENCE) as source:
            keys = sorted(source.list_keys(place))
            imports = list(source.list_imports(place)) if isinstance(source, TellsImports) else None
            return Shown(keys[:MOST_KEYS], len(keys), imports, source.link(place))
    except SourceError as error:
        return Shown(problem=error.message)


@require_POST
@allowed("vault.change_project")
def change_poll(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, pk=project_id)
    form = PollForm(request.POST)
    if not form.is_valid():
        return redirect(page_of(project))
    try:
        set_poll_seconds(project, form.cleaned_data["poll_seconds"])
    except EditingError:
        return redirect("admin:vault_project_page", project_id)
    told = f"Changed how often to look for changes to {form.cleaned_data['poll_seconds']} seconds."
    return done(request, project, CHANGE, told, go_to=project)


def _page(request: HttpRequest, template: str, *, title: str, **context: Any) -> HttpResponse:
    frame = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/sources/{template}.html", frame)
