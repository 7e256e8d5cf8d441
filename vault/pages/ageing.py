"""What of a project deserves a look, some at a time: old values, and repeated ones for whoever may read them."""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from vault.access import can_within, visible, where
from vault.access import place_of as place_in_vault
from vault.ageing import MOST_OPENED, SHORTEST, Repeated, count_to_open, find_old, find_repeated
from vault.models import Environment, Project, Secret
from vault.pages.access import allowed, page, place_of, url_of

OLD, REPEATED = "old", "repeated"
USUAL_DAYS, MOST_DAYS = 200, 3_650
OLD_A_PAGE, REPEATED_A_PAGE = 50, 20


@allowed("vault.view_project", "vault.view_environment", "vault.view_folder", "vault.view_secret")
def ageing(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    if not project.is_kept_here:
        return redirect(url_of(project))
    environments = list(visible(request.user, project.environments.all()))
    slug = request.GET.get("environment", "")
    environment = next((each for each in environments if each.slug == slug), None)
    shows_repeated = request.GET.get("view") == REPEATED
    shown = _repeated(request, project, environment) if shows_repeated else _old(request, project, environment)
    return page(
        request,
        "ageing",
        title="Old and repeated values",
        project=project,
        environments=environments,
        environment=environment,
        view=REPEATED if shows_repeated else OLD,
        more=_more(request),
        **shown,
        **place_of(project),
    )


def _old(request: HttpRequest, project: Project, environment: Environment | None) -> dict[str, object]:
    days = _days_in(request)
    rows = visible(request.user, find_old(project, environment, days=days))
    return {"days": days, "shown": Paginator(rows, OLD_A_PAGE).get_page(request.GET.get("page"))}


def _repeated(request: HttpRequest, project: Project, environment: Environment | None) -> dict[str, object]:
    readable = Secret.objects.filter(
        where(
            request.user,
            "vault.reveal_secret",
            project="folder__environment__project_id",
            environment="folder__environment__slug",
            path="folder__path",
        )
    )
    may_compare = can_within(request.user, "vault.reveal_secret", place_in_vault(environment or project))
    too_many = may_compare and count_to_open(project, environment, among=readable) > MOST_OPENED
    found: list[Repeated] = []
    if may_compare and not too_many:
        found = find_repeated(project, environment, among=readable)
    shown = Paginator(found, REPEATED_A_PAGE).get_page(request.GET.get("page"))
    limits = {"most": MOST_OPENED, "shortest": SHORTEST}
    return {"may_compare": may_compare, "too_many": too_many, "shown": shown, **limits}


def _days_in(request: HttpRequest) -> int:
    text = request.GET.get("days", "")
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    return min(max(int(text), 1), MOST_DAYS) if is_number else USUAL_DAYS


def _more(request: HttpRequest) -> str:
    """What goes with another page of the same."""
    kept = request.GET.copy()
    for name in ("page", "q"):
        kept.pop(name, None)
    return kept.urlencode()
