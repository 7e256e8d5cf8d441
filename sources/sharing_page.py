"""The page that says with which projects a connection is shared, for whoever may change connections."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse

from common.lacking import demand_rights
from connections.models import Connection
from sources.sharing import projects_of, share
from theme.widgets import TypeaheadSelect
from vault.models import Project

CHANGE = "connections.change_connection"
Owner = admin.ModelAdmin[Connection]


class ShareForm(forms.Form):
    project = forms.ModelChoiceField(
        queryset=Project.objects.none(),
        empty_label="Choose a project",
        widget=TypeaheadSelect,
        help_text="Its members see the connection, and its editors write through it.",
        error_messages={
            "required": "Choose the project to share it with.",
            "invalid_choice": "There is no such project, or it has the connection already. Choose one of the list.",
        },
    )

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["project"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = Project.objects.exclude(shared_connections__connection=connection).order_by("name")


def sharing_page(owner: Owner, request: HttpRequest, object_id: UUID) -> HttpResponse:
    demand_rights(request.user, CHANGE)
    connection = get_object_or_404(Connection, pk=object_id)
    form = ShareForm(request.POST if "share" in request.POST else None, connection=connection)
    if form.is_valid():
        return _changed(owner, request, connection, [*projects_of(connection), form.cleaned_data["project"]])
    if "stop" in request.POST:
        stays = [each for each in projects_of(connection) if str(each.pk) != request.POST["stop"]]
        return _changed(owner, request, connection, stays)
    syncs = connection.syncs.order_by().values("project").annotate(count=Count("pk"))
    counts = dict(syncs.values_list("project", "count"))
    context = {
        **admin.site.each_context(request),
        "title": f"Share {connection.name}",
        "opts": Connection._meta,
        "connection": connection,
        "projects": [(project, counts.get(project.pk, 0)) for project in projects_of(connection)],
        "form": form,
    }
    return TemplateResponse(request, "admin/sources/sharing.html", context)


def _changed(owner: Owner, request: HttpRequest, connection: Connection, projects: list[Project]) -> HttpResponse:
    if changed := share(connection, projects):
        owner.log_change(request, connection, f"{changed}.")
        messages.success(request, f"{changed}.")
    return redirect("admin:connections_connection_sharing", connection.pk)
