"""The pages of a copy into the vault: what and where to, its progress, its plan, the decision, what came of it.

Names and counts, never a value. A worker reads and writes; a page asks for it and looks how far it is.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from sources.copying import jobs
from sources.copying.copying import RIGHT_TO_PROJECTS, RIGHTS, copying_kind, name_new
from sources.copying.forms import CopyForm, DecisionForm, copying_connections
from sources.errors import SourceError
from sources.linking import prove
from sources.models import Copy, LinkedProject
from sources.pages import suggest
from sources.registry import kind_for
from vault.errors import EditingError
from vault.models import Project
from vault.pages.access import refuse, user_of

View = TypeVar("View", bound=Callable[..., HttpResponse])
LONGEST = 64
LATEST = 10
# So many tries for a slug that nobody has: shop, shop-2, shop-3.
TRIES = 100


def permitted(view: View) -> View:
    """Lets only those in who may do all that a copy does, and tells the others what they lack."""

    @wraps(view)
    def check(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        lacking = [name for name in RIGHTS if not request.user.has_perm(name)]
        if lacking:
            return _refused(request, lacking)
        return view(request, *args, **kwargs)

    return cast(View, check)


def _refused(request: HttpRequest, lacking: list[str]) -> HttpResponse:
    response = _page(request, "refused", title="You may not copy a project", lacking=lacking)
    response.status_code = 403
    return response


@permitted
def add(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {"title": "Copy a project into the vault", "latest": Copy.objects.all()[:LATEST]}
    context["has_connections"] = copying_connections().exists()
    if request.method == "POST" and "show" not in request.POST:
        form = CopyForm(request.POST)
        if form.is_valid() and (copy := _ask(request, form)) is not None:
            return redirect("admin:sources_copy", copy.pk)
        return _page(request, "add", form=form, **context)
    form = CopyForm(initial=request.POST.dict() if request.method == "POST" else _linked(request))
    problem = suggest(form, request.POST.get("connection")) if request.method == "POST" else ""
    return _page(request, "add", form=form, problem=problem, **context)


def _linked(request: HttpRequest) -> dict[str, object]:
    """What the form begins with, for the linked project that the page was reached from."""
    try:
        project_id = UUID(request.GET.get("project", ""))
    except ValueError:
        return {}
    link = LinkedProject.objects.filter(project=project_id).first()
    return {"connection": link.connection_id, "remote_project": link.remote_id} if link is not None else {}


def _ask(request: HttpRequest, form: CopyForm) -> Copy | None:
    """Asks the source whether there is such a project, then for the copy. None if that is refused, as the form says."""
    data = form.cleaned_data
    try:
        if data["into"] is None and not request.user.has_perm(RIGHT_TO_PROJECTS):
            form.add_error("into", f"To make a new project takes {RIGHT_TO_PROJECTS}. Choose one that is there.")
            return None
        copying_kind(data["connection"])
        remote = prove(data["connection"], data["remote_project"]).remote
        name, slug = ("", "") if data["into"] else _named(data, remote.name or remote.slug, remote.slug)
    except SourceError as error:
        form.add_error("remote_project", error.message)
        return None
    except EditingError as error:
        refuse(form, error)
        return None
    copy = Copy.objects.create(
        connection=data["connection"],
        remote_id=remote.id,
        remote_slug=remote.slug,
        remote_name=remote.name,
        environments=list(data["environments"]),
        into=data["into"],
        name=name,
        slug=slug,
        asked_by=user_of(request),
    )
    _note(request, copy, ADDITION, f"Asked to copy {copy.remote_name} into {_target(copy)}.")
    return copy


def _named(data: dict[str, Any], remote_name: str, remote_slug: str) -> tuple[str, str]:
    """What is not entered is as the project is called there; the linked project may have that slug already."""
    name = data["name"] or remote_name[:LONGEST]
    slug = data["slug"] or slugify(data["name"] or remote_slug or remote_name)[: LONGEST - 4]
    if not data["slug"]:
        tried = [slug, *(f"{slug}-{number}" for number in range(2, TRIES))]
        taken = set(Project.objects.filter(slug__in=tried).values_list("slug", flat=True))
        slug = next((each for each in tried if each not in taken), slug)
    return name_new(name, slug)


def _target(copy: Copy) -> str:
    return copy.into.name if copy.into is not None else f"a new project, {copy.name} ({copy.slug})"


@permitted
def show(request: HttpRequest, copy_id: UUID) -> HttpResponse:
    copy = _get(copy_id)
    form = DecisionForm(initial={"digest": copy.digest})
    return _page(request, "copy", title=f"Copy {copy.remote_name} into the vault", form=form, **_context(copy))


@permitted
def progress(request: HttpRequest, copy_id: UUID) -> HttpResponse:
    """The part of the page that changes while a worker is at it; `seen` is the state that the page shows."""
    copy = _get(copy_id)
    context = _context(copy) | {"has_moved": copy.state != request.GET.get("seen", copy.state)}
    return render(request, "admin/sources/copy/progress.html", context)


@require_POST
@permitted
def decide(request: HttpRequest, copy_id: UUID) -> HttpResponse:
    copy = _get(copy_id)
    plan, form = jobs.plan_of(copy), DecisionForm(request.POST)
    if plan is not None and form.is_valid() and copy.state == Copy.State.PLANNED:
        choice = form.choice
        if plan.hidden or (plan.refused and not choice.leaves_out):
            form.add_error("leaves_out", "Mend this in the source and read it again, or choose to leave it out.")
            title = f"Copy {copy.remote_name} into the vault"
            return _page(request, "copy", title=title, form=form, **_context(copy))
        if jobs.confirm(copy, form.cleaned_data["digest"], choice, by=user_of(request)):
            differing = "replacing" if choice.replaces else "keeping"
            _note(request, copy, CHANGE, f"Agreed to the copy into {_target(copy)}, {differing} what differs.")
    return redirect("admin:sources_copy", copy_id)


@require_POST
@permitted
def again(request: HttpRequest, copy_id: UUID) -> HttpResponse:
    copy = _get(copy_id)
    if jobs.ask_again(copy, by=user_of(request)):
        _note(request, copy, CHANGE, f"Asked again to copy {copy.remote_name} into {_target(copy)}.")
    return redirect("admin:sources_copy", copy_id)


def _get(copy_id: UUID) -> Copy:
    return get_object_or_404(Copy.objects.select_related("connection", "into", "asked_by"), pk=copy_id)


def _context(copy: Copy) -> dict[str, Any]:
    kind = kind_for(copy.connection)
    linked = LinkedProject.objects.filter(connection=copy.connection, remote_id=copy.remote_id).first()
    return {
        "copy": copy,
        "plan": jobs.plan_of(copy),
        "kind": kind.label if kind is not None else copy.connection.app,
        "target": _target(copy),
        "linked": linked.project if linked is not None else None,
    }


def _note(request: HttpRequest, copy: Copy, flag: int, message: str) -> None:
    LogEntry.objects.log_actions(user_of(request).pk, [copy], flag, change_message=message, single_object=True)


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    frame = {**admin.site.each_context(request), **context}
    return TemplateResponse(request, f"admin/sources/copy/{template}.html", frame)
