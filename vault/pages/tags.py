"""The tags of a project: how many secrets carry each; another name for one, and its end."""

from copy import copy
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.models import CHANGE, DELETION
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from vault import editing
from vault.access import visible
from vault.errors import EditingError
from vault.forms import SLUG_HELP
from vault.models import Project, Secret, Tag
from vault.pages.access import actor_of, allowed, done, form_page, page, place_of, refuse
from vault.pages.asking import ask_about
from vault.pages.deleting import CHANGED
from vault.pages.effects import is_agreed, look_ahead

WARNING = "Syncs choose secrets by what tags are called. One that names this tag does not follow its new name."


class NameForm(forms.Form):
    slug = forms.CharField(label="Tag", max_length=64, help_text=f"{SLUG_HELP} All secrets that carry it keep it.")


def carried(request: HttpRequest, tags: "QuerySet[Tag]") -> "QuerySet[Tag]":
    """With how many secrets carry each, of those that the person sees."""
    seen = visible(request.user, Secret.objects.filter(tags=OuterRef("pk")).order_by())
    counts = seen.values("tags").annotate(number=Count("pk")).values("number")
    return tags.annotate(secret_count=Coalesce(Subquery(counts), 0))


@allowed("vault.view_project", "vault.view_tag", "vault.view_secret")
def tags_page(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    tags = carried(request, Tag.objects.filter(project=project))
    return page(request, "project_tags", title="Tags", project=project, tags=tags, **place_of(project))


@allowed("vault.change_tag")
def edit_tag(request: HttpRequest, tag_id: UUID) -> HttpResponse:
    tag = get_object_or_404(Tag.objects.select_related("project"), id=tag_id)
    form, question, by = NameForm(request.POST or None, initial={"slug": tag.slug}), None, actor_of(request)
    if form.is_valid():
        new = {"slug": form.cleaned_data["slug"], "name": None, "color": None, "by": by}
        try:
            question = ask_about(request, lambda: editing.update_tag(copy(tag), **new))
            if question is None:
                before, tag = tag.slug, editing.update_tag(tag, **new)
                return _done(request, tag, CHANGE, f"The tag {before} is called {tag.slug} now.")
        except EditingError as error:
            refuse(form, error)
    return form_page(
        request,
        form,
        title=f"Rename the tag {tag.slug}",
        submit="Save",
        back=tag.project,
        warning=WARNING,
        question=question,
    )


@allowed("vault.delete_tag")
def delete_tag(request: HttpRequest, tag_id: UUID) -> HttpResponse:
    """Asks on GET, with what becomes of Devin; deletes on POST, if just that was shown."""
    tag: Any = get_object_or_404(carried(request, Tag.objects.select_related("project")), id=tag_id)
    refusal, foreseen, by = "", None, actor_of(request)
    try:
        foreseen = look_ahead(lambda: editing.delete_tag(copy(tag), by=by), by=by)
        if request.method == "POST" and is_agreed(request, foreseen):
            pk = tag.pk
            editing.delete_tag(tag, by=by)
            tag.pk = pk
            return _done(request, tag, DELETION, f"Deleted the tag {tag.slug}.")
        refusal = CHANGED if request.method == "POST" else ""
    except EditingError as error:
        refusal = error.message
    count = tag.secret_count
    carry = "1 secret carries it and stays" if count == 1 else f"{count:,} secrets carry it and stay"
    return page(
        request,
        "delete",
        title=f"Delete the tag {tag.slug}?",
        refusal=refusal,
        contents=[f"The tag {tag.slug}. {carry}, without it."],
        foreseen=foreseen,
        place=tag.project,
        back_url=_list_of(tag),
    )


def _list_of(tag: Tag) -> str:
    return reverse("admin:vault_tags", args=[tag.project_id])


def _done(request: HttpRequest, tag: Tag, flag: int, message: str) -> HttpResponse:
    return done(request, tag, flag, message, go_to=tag.project, url=_list_of(tag))


ROUTES = (
    ("<uuid:project_id>/tags/", tags_page, "tags"),
    ("tag/<uuid:tag_id>/edit/", edit_tag, "tag_edit"),
    ("tag/<uuid:tag_id>/delete/", delete_tag, "tag_delete"),
)
