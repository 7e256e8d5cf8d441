"""The pages: who reads a folder, what becomes of a secret that is rotated, who reads a place that is kept elsewhere.

A name that a person may not see is counted, not shown.
"""

from collections.abc import Callable
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from readers.loading import load_readers, load_shape
from readers.places import report_of_place
from readers.report import Report, make_report
from readers.ways import find_ways
from sources.protocol import Place
from vault.access import Place as Place_in_vault
from vault.access import can
from vault.models import Folder, Project, Secret
from vault.pages.access import allowed, place_of


def routes() -> dict[str, tuple[str, Callable[..., HttpResponse]]]:
    """By the name's end: the address below the admin, and the view."""
    return {
        "folder": ("readers/folder/<uuid:folder_id>/", readers_of_folder),
        "secret": ("readers/secret/<uuid:secret_id>/", readers_of_secret),
        "place": ("readers/project/<uuid:project_id>/", readers_of_place),
    }


@allowed("vault.view_folder")
def readers_of_folder(request: HttpRequest, folder_id: UUID) -> HttpResponse:
    folder = get_object_or_404(Folder.objects.select_related("environment__project"), pk=folder_id)
    project = folder.environment.project
    shape = load_shape(project, user=request.user)
    report = make_report(shape, find_ways(shape, folder.pk), load_readers(project, shape.places))
    return _page(request, report, title=f"Who reads {folder}", **place_of(folder))


@allowed("vault.view_secret")
def readers_of_secret(request: HttpRequest, secret_id: UUID) -> HttpResponse:
    rows = Secret.objects.select_related("folder__environment__project").defer("sealed_value")
    secret = get_object_or_404(rows, pk=secret_id)
    project = secret.folder.environment.project
    shape = load_shape(project, key=secret.key, user=request.user)
    if shape.secrets.get((secret.folder_id, secret.key)) != secret.pk:
        raise Http404("The secret was moved or deleted just now.")
    report = make_report(shape, find_ways(shape, secret.folder_id, secret.key), load_readers(project, shape.places))
    return _page(request, report, title=f"If {secret.key} is rotated", secret=secret, **place_of(secret))


@allowed("vault.view_project", "vault.view_environment", "vault.view_folder")
def readers_of_place(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, pk=project_id)
    environment, path = request.GET.get("environment", ""), request.GET.get("path", "")
    if project.is_kept_here or not environment or not path.startswith("/"):
        raise Http404("Choose a folder on the page of a project that is kept elsewhere.")
    if not can(request.user, "vault.view_folder", Place_in_vault(project.pk, environment, path)):
        raise Http404
    report = report_of_place(project, place := Place(environment, path))
    return _page(request, report, title=f"Who reads {place}", project=project, is_elsewhere=True)


def _page(request: HttpRequest, report: Report, *, title: str, **context: object) -> HttpResponse:
    frame = {**admin.site.each_context(request), "title": title, "report": report, **context}
    return TemplateResponse(request, "admin/readers/readers.html", frame)
