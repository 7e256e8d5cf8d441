"""Organizations are added by name to the lines of a set's form, where the connection knows its organizations."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.lacking import Lacking
from connections.models import Organization
from syncs.access import projects_for
from syncs.admin.base import not_found, only
from syncs.admin.choosing_organization import suggest_organizations
from syncs.admin.form_fields import usable_connections
from theme.widgets import TypeaheadText
from vault.access import can_somewhere
from vault.models import Project

USE = "connections.use_connection"


class OrganizationLines(forms.Textarea):
    """A line each, entered, or added by a field beside it, which nobody sees who has no scripts."""

    # What the organizations are of: a set in this project asks for those of the connection that the form names.
    project: Project | None = None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        lines = super().render(name, value, attrs, renderer)
        if self.project is None:
            return lines
        return format_html(
            '{}<div class="ds-adds" data-adds-to="{}" data-adds-of="connection" hidden>{}</div>',
            lines,
            (attrs or {}).get("id", ""),
            _field(f"{name}-adds", reverse("admin:fleets_syncset_suggest", args=[self.project.pk])),
        )


@only("GET")
def suggest_view(owner: Any, request: HttpRequest, project_id: UUID) -> HttpResponse:
    """`?connection=` one that the person may use in this project, `?q=` what a name or an ID has in it."""
    if not can_somewhere(request.user, USE):
        raise Lacking([USE])
    project = projects_for(request.user).filter(pk=project_id).first()
    if project is None:
        raise not_found("project")
    asked = _connection_id(request.GET.get("connection", ""))
    usable = usable_connections(request.user, project).filter(pk__in=[asked] if asked else [])
    rows = Organization.objects.filter(connection__in=usable.values("pk"))
    suggestions = suggest_organizations(rows, request.GET.get("q", "").strip()[:200])
    widget = TypeaheadText()
    widget.suggest = lambda _: suggestions
    return HttpResponse(widget.render("found", ""))


def _field(name: str, asks_at: str) -> SafeString:
    widget = TypeaheadText(attrs={"aria-label": "Add an organization by name", "placeholder": "Add by name"})
    widget.asks_at = asks_at
    return widget.render(name, "", {"id": name})


def _connection_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
