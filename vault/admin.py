"""The vault in the admin: lists by Django, pages of our own for everything that is in a project.

Django's own forms would write rows directly, so they are used for projects only, and their saving and deleting goes
through `vault.editing` like everything else.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.about import Part, register_part
from common.lacking import Lacking
from common.long_lists import LongListPaginator
from theme.lists import LightRows
from vault import editing
from vault.access import can, can_somewhere, place_of, visible
from vault.effects import noting_what_starts
from vault.forms import NewProjectForm, ProjectForm
from vault.models import Environment, Folder, Project, Secret
from vault.pages import (
    ageing,
    dotenv,
    exporting,
    folder_transfers,
    folders,
    history,
    imports,
    lines,
    members,
    projects,
    revealing,
    secrets,
    sideways,
    tags,
    ticked,
    trash,
)
from vault.pages.access import actor_of, told_starts, url_of, user_of
from vault.pages.deleting import describe_contents, name_some
from vault.pages.effects import look_ahead
from vault.pages.filtering import is_due
from vault.pages.memberships import load_memberships
from vault.pages.undo import stays, undo_button
from vault.pointing import split_users

Deleted = tuple[list[Any], dict[str, int], set[str], list[Any]]


class SeenByPlace:
    """Rows of which each is seen by whoever has a right at its place. Without one anywhere, a page is refused, not
    missing."""

    def demand_any(self: Any, request: HttpRequest) -> None:
        if not self.has_module_permission(request):
            raise PermissionDenied

    def history_view(self: Any, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        self.demand_any(request)
        answer: HttpResponse = super().history_view(request, object_id, extra_context)  # type: ignore[misc]
        return answer


register_part(Part("admin/vault/memberships.html", load_memberships))


@admin.register(Project)
class ProjectAdmin(SeenByPlace, LightRows, admin.ModelAdmin[Project]):
    list_display = ["page_link", "slug", "environment_list", "secret_count", "updated_at"]
    list_display_links = None
    search_fields = ["name", "slug", "description"]
    list_per_page = 25
    form = ProjectForm
    empty_text = "A project holds environments, these hold folders, and these hold secrets. A sync reads a folder."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        """Counted project by project, so that only those of the page that is shown are."""
        own = visible(request.user, Secret.objects.filter(folder__environment__project=OuterRef("pk")).order_by())
        count = own.values("folder__environment__project").annotate(number=Count("pk")).values("number")
        rows = visible(request.user, super().get_queryset(request))
        rows = rows.annotate(secret_count=Coalesce(Subquery(count), 0))
        return rows.prefetch_related(Prefetch("environments", visible(request.user, Environment.objects.all())))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return can_somewhere(request.user, "vault.view_project")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Whoever is in no project is told whom to ask."""
        if not self.has_module_permission(request):
            raise Lacking(["vault.view_project"], where="in any project")
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer

    def has_view_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return _may(request, "vault.view_project", obj)

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return _may(request, "vault.change_project", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return request.user.has_perm("vault.delete_project")

    @admin.display(description="Name", ordering="name")
    def page_link(self, project: Project) -> SafeString:
        return format_html('<a href="{}"><strong>{}</strong></a>', url_of(project), project.name)

    @admin.display(description="Environments")
    def environment_list(self, project: Project) -> str:
        return ", ".join(environment.slug for environment in project.environments.all()) or "none"

    @admin.display(description="Secrets", ordering="secret_count")
    def secret_count(self, project: Any) -> int | str:
        return int(project.secret_count)

    def get_form(
        self, request: HttpRequest, obj: Project | None = None, change: bool = False, **kwargs: Any
    ) -> "type[ModelForm[Project]]":
        return super().get_form(
            request, obj, change=change, **{"form": ProjectForm if obj else NewProjectForm, **kwargs}
        )

    def get_prepopulated_fields(self, request: HttpRequest, obj: Project | None = None) -> dict[str, Sequence[str]]:
        return {} if obj else {"slug": ["name"]}

    def save_model(self, request: HttpRequest, obj: Project, form: "ModelForm[Project]", change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in ("name", "slug", "description")}
        if change:
            editing.update_project(obj, **given, by=actor_of(request))
            return
        environments = form.cleaned_data["environments"]
        obj.pk = editing.create_project(**given, environments=environments, by=actor_of(request)).pk
        obj.refresh_from_db()

    def response_post_save_add(self, request: HttpRequest, obj: Project) -> HttpResponseRedirect:
        return HttpResponseRedirect(url_of(obj))

    def response_post_save_change(self, request: HttpRequest, obj: Project) -> HttpResponseRedirect:
        return HttpResponseRedirect(url_of(obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deleted:
        """Counts instead of a list of everything; what uses a project keeps it."""
        rows = list(objs)
        contents = describe_contents(Folder.objects.filter(environment__project__in=rows))
        kinds = ("project", "environment", "folder", "secret")
        lacking = {kind for kind in kinds if not request.user.has_perm(f"vault.delete_{kind}")}
        names = [f"Project {row}" for row in rows]
        users, unseen = split_users(rows, request.user)
        return [*names, contents], {"projects": len(rows)}, lacking, name_some(users, unseen=unseen)

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        editing.delete_project(obj, by=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in list(queryset):
            editing.delete_project(project, by=actor_of(request))

    def get_urls(self) -> list[URLPattern]:
        """All of the vault's own pages."""
        route = self._route
        return [
            *self._transfer_urls(),
            route("<uuid:project_id>/", projects.project_page, "project_page"),
            *(route(*each) for each in trash.ROUTES),
            *(route(*each) for each in (*members.ROUTES, *tags.ROUTES)),
            route("folder/<uuid:folder_id>/as-it-was/", history.history_page, "history"),
            route("folder/<uuid:folder_id>/history/", lines.lines_page, "folder_lines"),
            route("<uuid:project_id>/environments/add/", projects.add_environment, "environment_add"),
            route("environment/<uuid:environment_id>/edit/", projects.edit_environment, "environment_edit"),
            route("environment/<uuid:environment_id>/delete/", projects.delete_environment, "environment_delete"),
            route("folder/<uuid:folder_id>/", folders.folder_page, "folder_page"),
            route("folder/<uuid:folder_id>/folders/add/", folders.add_folder, "folder_add"),
            route("folder/<uuid:folder_id>/edit/", folders.edit_folder, "folder_edit"),
            route("folder/<uuid:folder_id>/delete/", folders.delete_folder, "folder_delete"),
            route("folder/<uuid:folder_id>/secrets/add/", secrets.add_secret, "secret_add_page"),
            route("folder/<uuid:folder_id>/secrets/dotenv/", dotenv.add_dotenv, "dotenv"),
            route("folder/<uuid:folder_id>/imports/add/", imports.add_import, "import_add"),
            route("import/<uuid:import_id>/move/", imports.move_import, "import_move"),
            route("import/<uuid:import_id>/delete/", imports.delete_import, "import_delete"),
            route("secret/<uuid:secret_id>/", secrets.secret_page, "secret_page"),
            route("secret/<uuid:secret_id>/edit/", secrets.edit_secret, "secret_edit"),
            route("secret/<uuid:secret_id>/reveal/", revealing.reveal_secret, "secret_reveal"),
            route("secret/<uuid:secret_id>/resolve/", revealing.resolve_secret, "secret_resolve"),
            route("secret/<uuid:secret_id>/reveal-and-edit/", revealing.reveal_to_edit, "secret_reveal_edit"),
            route("secret/<uuid:secret_id>/restore/", secrets.restore_secret, "secret_restore"),
            route("secret/<uuid:secret_id>/delete/", secrets.delete_secret, "secret_delete_page"),
            *super().get_urls(),
        ]

    def _transfer_urls(self) -> list[URLPattern]:
        """What carries secrets from one place to another, or away."""
        route = self._route
        return [
            route("<uuid:project_id>/side-by-side/", sideways.side_by_side, "side_by_side"),
            route("<uuid:project_id>/ageing/", ageing.ageing, "ageing"),
            route("folder/<uuid:folder_id>/copy/", folder_transfers.copy_folder, "folder_copy"),
            route("folder/<uuid:folder_id>/move/", folder_transfers.move_folder, "folder_move"),
            route("folder/<uuid:folder_id>/export/", exporting.export_folder, "folder_export"),
            route("folder/<uuid:folder_id>/secrets/copy/", ticked.copy_ticked, "secrets_copy"),
            route("folder/<uuid:folder_id>/secrets/move/", ticked.move_ticked, "secrets_move"),
            route("folder/<uuid:folder_id>/secrets/delete/", ticked.delete_ticked, "secrets_delete"),
            route("folder/<uuid:folder_id>/secrets/tag/", ticked.tag_ticked, "secrets_tag"),
        ]

    def _route(self, address: str, view: Any, name: str) -> URLPattern:
        checked: Callable[..., HttpResponse] = self.admin_site.admin_view(view)
        return path(address, checked, name=f"vault_{name}")


def _may(request: HttpRequest, permission: str, row: Project | Secret | None) -> bool:
    """Without a row, whether there is any place for it."""
    if row is None:
        return can_somewhere(request.user, permission)
    return can(request.user, permission, place_of(row))


class ProjectFilter(admin.RelatedFieldListFilter):
    """Those that the user sees something in."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        return [(str(each.pk), str(each)) for each in visible(request.user, Project.objects.all())]


class EnvironmentFilter(admin.AllValuesFieldListFilter):
    """Environments of one slug, whatever the project."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request: HttpRequest = args[1]
        seen = visible(request.user, Environment.objects.order_by("slug"))
        self.title, self.lookup_choices = "environment", seen.values_list("slug", flat=True).distinct()


class DueFilter(admin.SimpleListFilter):
    title = "rotation"
    parameter_name = "rotation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("due", "Due or overdue"), ("planned", "Planned")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Secret]) -> QuerySet[Secret]:
        match self.value():
            case "due":
                return queryset.filter(is_due())
            case "planned":
                return queryset.filter(due_on__isnull=False)
            case _:
                return queryset


@admin.register(Secret)
class SecretAdmin(SeenByPlace, LightRows, admin.ModelAdmin[Secret]):
    """All secrets of all projects, for finding one. Added and changed on the vault's own pages only."""

    list_display = ["page_link", "project", "folder", "rotation", "version", "updated_at", "updated_by"]
    list_display_links = None
    list_filter = [
        ("folder__environment__project", ProjectFilter),
        ("folder__environment__slug", EnvironmentFilter),
        DueFilter,
    ]
    list_select_related = ["folder__environment__project", "updated_by"]
    list_only = (
        "key", "version", "due_on", "updated_at", "updated_by__username",
        "folder__path", "folder__environment__slug", "folder__environment__project__name",
    )  # fmt: skip
    search_fields = ["key", "comment", "folder__path", "owner"]
    show_full_result_count = False
    list_per_page = 50
    paginator = LongListPaginator
    actions = ["delete_selected"]
    empty_text = "Secrets are added on the page of a folder: choose its project first."

    @admin.display(description="Key", ordering="key")
    def page_link(self, secret: Secret) -> SafeString:
        return format_html('<a href="{}"><code>{}</code></a>', url_of(secret), secret.key)

    @admin.display(description="Rotation", ordering="due_on")
    def rotation(self, secret: Secret) -> str:
        return secret.rotation.words or (f"By {date_format(secret.due_on, 'j M Y')}" if secret.due_on else "–")

    @admin.display(description="Project", ordering="folder__environment__project__name")
    def project(self, secret: Secret) -> str:
        return str(secret.folder.environment.project)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Secret]:
        # Whatever is told of a secret names its folder, also where it is deleted.
        rows = visible(request.user, super().get_queryset(request).select_related(*self.list_select_related))
        return rows.defer("sealed_value")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return can_somewhere(request.user, "vault.view_secret")

    def has_view_permission(self, request: HttpRequest, obj: Secret | None = None) -> bool:
        return _may(request, "vault.view_secret", obj)

    def has_change_permission(self, request: HttpRequest, obj: Secret | None = None) -> bool:
        return _may(request, "vault.change_secret", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Secret | None = None) -> bool:
        return _may(request, "vault.delete_secret", obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return "sealed" not in lookup and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.demand_any(request)
        secret = self.get_object(request, object_id)
        if secret is None:
            raise Http404
        if not self.has_view_permission(request, secret):
            raise PermissionDenied
        return HttpResponseRedirect(url_of(secret))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deleted:
        rows = list(objs)
        may = all(_may(request, "vault.delete_secret", row) for row in rows)
        lacking = set() if may else {"secret"}
        contents: list[Any] = [f"{row.key} in {row.folder}, with all versions" for row in rows]
        if "post" not in request.POST and may:
            actor = actor_of(request)
            foreseen = look_ahead(lambda: editing.delete_secrets(rows, by=actor), by=actor)
            contents += [f"{told.reader} {line}" for told in foreseen.told for line in told.lines]
            cut = foreseen.dangling
            contents += [f"{one.key} in {one.where} would refer to nothing by {one.reference}" for one in cut]
        return contents, {"secrets": len(rows)}, lacking, []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().delete_view(request, object_id, {**(extra_context or {}), "stays": stays()})

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Secret]) -> HttpResponse | None:
        response = delete_selected(self, request, queryset)
        if isinstance(response, TemplateResponse) and response.context_data is not None:
            response.context_data["stays"] = stays()
        return response

    def delete_model(self, request: HttpRequest, obj: Secret) -> None:
        editing.delete_secret(obj, by=actor_of(request))
        if undo := undo_button(user_of(request), [obj.pk]):
            messages.info(request, undo)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Secret]) -> None:
        rows = queryset.select_related("folder__environment")
        with noting_what_starts():
            ids = [secret.pk for secret in rows]
            editing.delete_secrets(rows, by=actor_of(request))
            told = format_html("{}{}", told_starts(request), undo_button(user_of(request), ids))
            if told:
                messages.info(request, told)
