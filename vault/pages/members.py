"""The members of a project: who has which role where; adding, changing and removing them."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from vault.access.holders import machines, name_of, people, seen_by, tell_gone, tell_now, told, where_of
from vault.access.models import Membership
from vault.access.roles import DESCRIPTIONS, Role
from vault.editing.members import Terms, add_member, remove_member, update_member
from vault.errors import EditingError
from vault.models import Project
from vault.pages.access import actor_of, allowed, done, form_page, page, place_of, refuse

PERSON, MACHINE, GROUP = "person", "machine", "group"


class TermsForm(forms.Form):
    role = forms.ChoiceField(
        choices=[(role.value, f"{role.label}: {DESCRIPTIONS[role]}") for role in Role], widget=forms.RadioSelect
    )
    environments = forms.CharField(
        required=False, help_text="Their slugs, separated by commas: dev, staging. Left empty, all of them."
    )
    paths = forms.CharField(
        label="Folders",
        required=False,
        help_text="Their paths, separated by commas: /app, /ci. With all below them. Left empty, all folders.",
    )

    @property
    def terms(self) -> Terms:
        given = self.cleaned_data
        return Terms(given["role"], _parts(given["environments"]), _parts(given["paths"]))


class MemberForm(TermsForm):
    kind = forms.ChoiceField(
        label="Who", choices=[(PERSON, "A person"), (MACHINE, "A machine identity"), (GROUP, "A group")]
    )
    name = forms.CharField(max_length=150, help_text="The user name, or the name of the identity or the group.")

    field_order = ["kind", "name", "role", "environments", "paths"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "name" in cleaned and "kind" in cleaned:
            cleaned["holder"] = find_holder(cleaned["kind"], cleaned["name"].strip())
        return cleaned


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def find_holder(kind: str, name: str) -> User | Group:
    found: User | Group | None
    if kind == GROUP:
        found = Group.objects.filter(name=name).first()
    elif kind == MACHINE:
        found = machines().filter(last_name=name).first()
    else:
        found = people().filter(username=name).first()
    if found is None:
        raise ValidationError({"name": "There is nobody of this name. Correct it, or ask an administrator."})
    return found


@allowed("vault.view_membership")
def members_page(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    rows = Membership.objects.filter(project=project).select_related("user", "group")
    seen = seen_by(request.user, rows)
    shown = [(row, name_of(row), where_of(row), DESCRIPTIONS[Role(row.role)]) for row in seen]
    context = {"rows": shown, "unseen": len(rows) - len(seen)}
    return page(request, "members", title="Members", project=project, **context, **place_of(project))


@allowed("vault.view_membership", "vault.add_membership")
def add(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(Project, id=project_id)
    form = MemberForm(request.POST or None)
    if form.is_valid():
        try:
            row = add_member(project, form.cleaned_data["holder"], form.terms, by=actor_of(request))
        except EditingError as error:
            refuse(form, error)
        else:
            return _done(request, row, ADDITION, f"{tell_now(row)}.")
    return form_page(request, form, title="Add a member", submit="Add member", back=project)


@allowed("vault.view_membership", "vault.change_membership")
def edit(request: HttpRequest, member_id: UUID) -> HttpResponse:
    row = _get(member_id)
    initial = {"role": row.role, "environments": ", ".join(row.environments), "paths": ", ".join(row.paths)}
    form, title = TermsForm(request.POST or None, initial=initial), f"Change what {name_of(row)} may do"
    if form.is_valid():
        try:
            update_member(row, form.terms, by=actor_of(request))
            return _done(request, row, CHANGE, f"{tell_now(row)}.")
        except EditingError as error:
            refuse(form, error)
    return form_page(request, form, title=title, submit="Save", back=row.project)


@allowed("vault.view_membership", "vault.delete_membership")
def remove(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Asks on GET; removes on POST."""
    row = _get(member_id)
    if request.method == "POST":
        answer = _done(request, row, DELETION, f"{tell_gone(row)}.")
        remove_member(row, by=actor_of(request))
        return answer
    context = {"row": row, "name": name_of(row), "told": told(row), "project": row.project}
    return page(request, "member_remove", title="Remove a member?", **context, **place_of(row.project))


def _get(member_id: UUID) -> Membership:
    return get_object_or_404(Membership.objects.select_related("project", "user", "group"), pk=member_id)


def _done(request: HttpRequest, row: Membership, flag: int, message: str) -> HttpResponse:
    url = reverse("admin:vault_members", args=[row.project_id])
    return done(request, row, flag, message, go_to=row.project, url=url)


ROUTES = (
    ("<uuid:project_id>/members/", members_page, "members"),
    ("<uuid:project_id>/members/add/", add, "member_add"),
    ("member/<uuid:member_id>/edit/", edit, "member_edit"),
    ("member/<uuid:member_id>/remove/", remove, "member_remove"),
)
