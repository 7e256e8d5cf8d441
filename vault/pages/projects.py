"""A project's page, and its environments."""

from uuid import UUID

from django.contrib.admin.models import ADDITION, CHANGE
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from vault import editing
from vault.errors import EditingError
from vault.forms import EnvironmentForm
from vault.models import Environment, Folder, Project
from vault.pages.access import actor_of, allowed, done, form_page, page, refuse, url_of
from vault.pages.deleting import confirm_deletion, describe_contents


@allowed("vault.view_project", "vault.view_environment", "vault.view_folder")
def project_page(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    if not project.is_kept_here:
        return redirect(url_of(project))
    trees: dict[UUID, list[Folder]] = {}
    folders = Folder.objects.filter(environment__project=project)
    for folder in folders.annotate(secret_count=Count("secrets", distinct=True)).order_by("path"):
        trees.setdefault(folder.environment_id, []).append(folder)
    environments = [(environment, tree_of(trees[environment.id])) for environment in project.environments.all()]
    return page(request, "project", title=project.name, project=project, environments=environments)


def tree_of(folders: list[Folder]) -> list[Folder]:
    """Each folder before what is in it, and all that is in it before the next one."""
    return sorted(folders, key=lambda folder: [] if folder.is_root else folder.path.split("/"))


@allowed("vault.add_environment")
def add_environment(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    form = EnvironmentForm(request.POST or None)
    if form.is_valid():
        try:
            environment = editing.create_environment(project, **form.cleaned_data, by=actor_of(request))
        except EditingError as error:
            refuse(form, error)
        else:
            return done(request, environment, ADDITION, f"Added the environment {environment.slug}.", go_to=project)
    return form_page(request, form, title="Add an environment", submit="Add environment", back=project)


@allowed("vault.change_environment")
def edit_environment(request: HttpRequest, environment_id: UUID) -> HttpResponse:
    environment = get_object_or_404(Environment.objects.select_related("project"), id=environment_id)
    project, title = environment.project, f"Edit {environment.name}"
    form = EnvironmentForm.of(environment, request.POST or None)
    if form.is_valid():
        try:
            editing.update_environment(environment, **form.cleaned_data, by=actor_of(request))
        except EditingError as error:
            refuse(form, error)
        else:
            return done(request, environment, CHANGE, f"Changed the environment {environment.slug}.", go_to=project)
    warning = "References name an environment by its slug. Those that use the old one stop working when it changes."
    return form_page(request, form, title=title, submit="Save", back=project, warning=warning)


@allowed("vault.delete_environment", "vault.delete_folder", "vault.delete_secret")
def delete_environment(request: HttpRequest, environment_id: UUID) -> HttpResponse:
    environment = get_object_or_404(Environment.objects.select_related("project"), id=environment_id)
    return confirm_deletion(
        request,
        environment,
        name=f"the environment {environment.slug}",
        contents=describe_contents(Folder.objects.filter(environment=environment)),
        delete=lambda row: editing.delete_environment(row, by=actor_of(request)),
        go_to=environment.project,
    )
