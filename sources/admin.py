"""The list of projects says where each is kept, and leads to linking one; a connection says with whom it is shared."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from connections.admin import ConnectionAdmin
from connections.models import Connection
from connections.reach import VIEW
from connections.users import NAMED
from sources import pages
from sources.copying import pages as copying
from sources.sharing import projects_of
from sources.sharing_page import sharing_page
from sources.words import JOINED, where_kept
from vault.admin import ProjectAdmin
from vault.models import Project


class SourcedProjectAdmin(ProjectAdmin):
    list_display = ["page_link", "slug", "kept_in", "environment_list", "secret_count", "updated_at"]
    change_list_template = "admin/sources/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return super().get_queryset(request).select_related(*JOINED)

    @admin.display(description="Kept in", ordering="source")
    def kept_in(self, project: Project) -> str:
        return where_kept(project) or "Vault"

    @admin.display(description="Environments")
    def environment_list(self, project: Project) -> str:
        if project.is_kept_here:
            return super().environment_list(project)
        return ", ".join(entry["slug"] for entry in project.link.environments) or "none"

    @admin.display(description="Secrets", ordering="secret_count")
    def secret_count(self, project: Any) -> int | str:
        return super().secret_count(project) if project.is_kept_here else "–"

    def get_urls(self) -> list[URLPattern]:
        def route(address: str, view: Any, name: str) -> URLPattern:
            checked: Callable[..., HttpResponse] = self.admin_site.admin_view(view)
            return path(address, checked, name=f"sources_{name}")

        return [
            route("link/", pages.link_page, "link"),
            route("linked/<uuid:project_id>/", pages.project_page, "project"),
            route("linked/<uuid:project_id>/poll/", pages.change_poll, "poll"),
            route("copy/", copying.add, "copy_add"),
            route("copies/<uuid:copy_id>/", copying.show, "copy"),
            route("copies/<uuid:copy_id>/progress/", copying.progress, "copy_progress"),
            route("copies/<uuid:copy_id>/confirm/", copying.decide, "copy_confirm"),
            route("copies/<uuid:copy_id>/again/", copying.again, "copy_again"),
            *super().get_urls(),
        ]


class SharedConnectionAdmin(ConnectionAdmin):
    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "shared_with")

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> Any:
        """Of an own section, for those who see the whole connection."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not request.user.has_perm(VIEW):
            return fieldsets
        return (*fieldsets, ("Shared", {"fields": ("shared_with",)}))

    @admin.display(description="shared with")
    def shared_with(self, connection: Connection) -> str:
        names = [str(project) for project in projects_of(connection)]
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        return f"{', '.join(names[:NAMED])}{more}" if names else "no project: for those with rights everywhere"

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., HttpResponse] = self.admin_site.admin_view(partial(sharing_page, self))
        sharing = path("<uuid:object_id>/sharing/", view, name="connections_connection_sharing")
        return [sharing, *super().get_urls()]


admin.site.unregister(Project)
admin.site.register(Project, SourcedProjectAdmin)
admin.site.unregister(Connection)
admin.site.register(Connection, SharedConnectionAdmin)
