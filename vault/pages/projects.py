"""A project's page, and its environments."""

from copy import copy
from uuid import UUID

from django.contrib.admin.models import ADDITION, CHANGE
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from vault import editing
from vault.errors import EditingError
from vault.forms import EnvironmentForm
from vault.models import Environment, Folder, Project
from vault.pages.access import actor_of, allowed, done, form_page, page, refuse, url_of, user_of
from vault.pages.asking import EditQuestion, ask_about
from vault.pages.deleting import confirm_deletion, describe_contents
from vault.pages.trees import load_trees


@allowed("vault.view_project", "vault.view_environment", "vault.view_folder")
def project_page(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    if not project.is_kept_here:
        return redirect(url_of(project))
    asked = {name: request.GET.get(name, "").strip() for name in ("environment", "page")}
    query = request.GET.get("q", "").strip()
    environments = load_trees(project, user_of(request), query=query, **asked)
    has_many = bool(query) or any(tree.page.has_other_pages() for _, tree in environments)
    shown = {"environments": environments, "query": query, "has_many": has_many}
    return page(request, "project", title=project.name, project=project, **shown)


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
    question: EditQuestion | None = None
    if form.is_valid():
        fields, by = form.cleaned_data, actor_of(request)
        try:
            question = ask_about(request, lambda: editing.update_environment(copy(environment), **fields, by=by))
            if question is None:
                editing.update_environment(environment, **fields, by=by)
                return done(request, environment, CHANGE, f"Changed the environment {environment.slug}.", go_to=project)
        except EditingError as error:
            refuse(form, error)
    warning = "References name an environment by its slug. Those that use the old one stop working when it changes."
    return form_page(request, form, title=title, submit="Save", back=project, warning=warning, question=question)


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
