"""The list of sync sets, and a set's page: its organizations, its settings, its end."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.returning import way_on
from fleets.admin.forms import ProjectForm, SetForm
from fleets.admin.organizations import table_of
from fleets.admin.previewing import preview_of
from fleets.admin.rollouts import standing_of
from fleets.admin.routes import find_set, urls_of
from fleets.choices import State
from fleets.editing import SELECTION, WAVES, change_set, create_set, delete_set
from fleets.membership import told_idle
from fleets.models import SyncSet
from fleets.needs import TONES, Need, needing_a_person, needs_of, with_needs
from syncs.access import place_of, projects_for
from syncs.admin.base import ROWS_A_PAGE, ByPlace, demand, two_lines
from syncs.admin.forms import LAID_OUT, MORE_OPTIONS
from syncs.admin.wizard.storage import forget_draft
from syncs.choices import Status
from syncs.editing import Actor
from syncs.errors import SyncError
from syncs.models import DevinSync
from syncs.places import JOINED
from theme.badges import badge
from theme.lists import LightRows
from vault.access import PermsAt, can, can_somewhere
from vault.models import Project

REMOVE, LEAVE = "remove", "leave"
# A new set carries values to many organizations by somebody's API key.
NEEDED = ("syncs.add_devinsync", "vault.reveal_secret", "connections.use_connection")


class NeedsFilter(admin.SimpleListFilter):
    title = "needs attention"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("person", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(pk__in=needing_a_person().order_by().values("pk")) if self.value() else queryset


@admin.register(SyncSet)
class SyncSetAdmin(ByPlace, LightRows, admin.ModelAdmin[SyncSet]):
    place_of_row = staticmethod(place_of)
    form = SetForm
    actions = None
    change_form_template = "admin/fleets/syncset/change_form.html"
    list_display = ("shown_name", "source", "connection", "organizations", "standing")
    list_filter = (
        NeedsFilter,
        ("project", admin.RelatedOnlyFieldListFilter),
        ("connection", admin.RelatedOnlyFieldListFilter),
    )
    list_select_related = (*JOINED, "connection")
    list_per_page = ROWS_A_PAGE
    search_fields = ("name", "description", "source_environment", "source_path", "project__name", "connection__name")
    search_help_text = "Search names, sources and connections"
    empty_text = (
        "A sync set is one definition for many Devin organizations: it makes a sync for each, also for those to come. "
        "It needs a connection whose key belongs to an enterprise."
    )
    fieldsets = (
        ("Details", {"fields": ("name", "description", "is_enabled")}),
        ("Source", {"fields": ("folder", "below", "missing_folder", "recursive")}),
        ("Organizations", {"fields": ("connection", *(name for name in SELECTION if name != "missing_folder"))}),
        ("Waves", {"fields": WAVES}),
        ("Options", {"fields": tuple(name for name in LAID_OUT if name != "recursive")}),
        ("More options", {"fields": MORE_OPTIONS}),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.settings_view)
        settings = path("<uuid:pk>/settings/", view, name="fleets_syncset_settings")
        return [*urls_of(self), settings, *super().get_urls()]

    # Who may do what: the rights of syncs

    def _may(self, request: HttpRequest, verb: str, row: SyncSet | None) -> bool:
        permission = f"syncs.{verb}_devinsync"
        if row is None:
            return can_somewhere(request.user, permission)
        return can(request.user, permission, place_of(row))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return all(can_somewhere(request.user, permission) for permission in NEEDED)

    def has_delete_permission(self, request: HttpRequest, obj: SyncSet | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.is_ending)

    def get_readonly_fields(self, request: HttpRequest, obj: SyncSet | None = None) -> tuple[str, ...]:
        """Where values come from and go to changes who may read them."""
        lacks = obj is not None and not all(can(request.user, name, place_of(obj)) for name in NEEDED[1:])
        return ("folder", "below", "recursive", "connection", "canaries", *SELECTION) if lacks else ()

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncSet]:
        there, trouble = ~Q(members__state=State.LEFT), [Status.FAILED, Status.BLOCKED]
        is_trouble = Q(members__state=State.FAILED) | Q(members__sync__sync_status__in=trouble)
        rows: QuerySet[SyncSet] = with_needs(super().get_queryset(request))
        return rows.annotate(
            there=Count("members", filter=there & Q(members__isnull=False)),
            trouble=Count("members", filter=there & is_trouble),
        )

    @admin.display(description="name", ordering="name")
    def shown_name(self, row: SyncSet) -> SafeString | str:
        if row.is_ending:
            return format_html("{}<br>{}", row.name, badge("pending", "Being deleted"))
        return row.name if row.is_enabled else format_html("{}<br>{}", row.name, badge("off", "Disabled"))

    @admin.display(description="source", ordering="source_path")
    def source(self, row: SyncSet) -> SafeString:
        below = row.project if row.has_source else badge("failed", "Folder deleted")
        return two_lines(f"{row.environment_slug}:{row.told_path}", below)

    @admin.display(description="organizations")
    def organizations(self, row: Any) -> str:
        return str(row.there)

    @admin.display(description="standing")
    def standing(self, row: Any) -> SafeString:
        """All that a person has to look at, the gravest first."""
        found = {waits.need for waits in needs_of(row)}
        words = [badge(TONES[need], need.label) for need in (Need.SOURCE, Need.STOPPED) if need in found]
        words += [badge("failed", f"{row.trouble} failed or blocked")] if row.trouble else []
        words += [badge("blocked", f"{row.to_approve} to approve")] if row.to_approve else []
        usual = badge("ok", "All well") if row.there else badge("off", "No organization")
        return format_html_join("", "{}<br>", ((word,) for word in words)) or usual

    # A set's page

    def get_form(self, request: HttpRequest, obj: SyncSet | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.user, form.is_preview = request.user, "preview" in request.POST
        form.project = self._project(request) if obj is None else None
        return form

    def _project(self, request: HttpRequest) -> Project | None:
        form = ProjectForm(request.GET, user=request.user)
        return form.cleaned_data["project"] if form.is_valid() else None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Asks for the project first, unless there is but one."""
        if self.has_add_permission(request) and self._project(request) is None:
            only = list(projects_for(request.user)[:2])
            if len(only) == 1 and "project" not in request.GET:
                return redirect(f"{request.path}?project={only[0].pk}")
            return self._ask_project(request)
        plain = {"show_save_and_add_another": False, "show_save_and_continue": False, "way_back": way_on(request)}
        return super().add_view(request, form_url, plain)

    def _ask_project(self, request: HttpRequest) -> HttpResponse:
        form = ProjectForm(request.GET or None, user=request.user)
        context = {**self.admin_site.each_context(request), "title": "Add sync set", "opts": self.opts, "form": form}
        return TemplateResponse(request, "admin/fleets/syncset/project.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tab = "settings" if request.method == "POST" else (extra_context or {}).get("tab", "organizations")
        if tab == "organizations":
            return self._organizations(request, find_set(request, UUID(str(object_id)), "view_devinsync"))
        each = self.get_object(request, object_id)
        context = {
            **(self._page_of(request, each, tab) if each is not None else {}),
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "show_delete": False,
        }
        try:
            return super().change_view(request, object_id, form_url, context)
        except SyncError as error:
            messages.error(request, error.message)
            return redirect("admin:fleets_syncset_change", object_id)

    def settings_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.change_view(request, str(pk), extra_context={"tab": "settings"})

    def _organizations(self, request: HttpRequest, each: SyncSet) -> HttpResponse:
        """Drawn without the form of the settings, which asks for much that is not shown."""
        context = {
            **self.admin_site.each_context(request),
            **self._page_of(request, each, "organizations"),
            **table_of(request, each, standing := standing_of(each)),
            "standing": standing,
            "title": each.name,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/fleets/syncset/page.html", context)

    def _page_of(self, request: HttpRequest, each: SyncSet, tab: str) -> dict[str, Any]:
        here = place_of(each)
        may = {
            f"may_{name.split('_')[0]}": can(request.user, f"syncs.{name}", here)
            for name in ("run_devinsync", "plan_devinsync", "remove_secrets", "delete_devinsync")
        }
        return may | {
            "perms": PermsAt(request.user, here),
            "each": each,
            "tab": tab,
            "may_change": self.has_change_permission(request, each) and not each.is_ending,
        }  # fmt: skip

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """With what the set as entered would take and send, for whoever may change it."""
        each = context.get("each")
        context["is_readonly"] = each is not None and not context["may_change"]
        if not context["is_readonly"]:
            context |= preview_of(context["adminform"].form, request.user)
        return super().render_change_form(request, context, *args, **kwargs)

    # What is saved

    def save_model(self, request: HttpRequest, obj: SyncSet, form: Any, change: bool) -> None:
        by = Actor.in_admin(request.user)
        if not change:
            create_set(obj, by=by)
        elif form.changed_data:
            change_set(obj.pk, form.to_save(), by=by, seen_version=form.cleaned_data["seen_version"])

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """None: whoever writes a set notes what has changed."""
        return ""

    def log_addition(self, request: HttpRequest, obj: SyncSet, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: SyncSet, message: Any) -> Any:
        return super().log_change(request, obj, message) if message else None

    def response_add(self, request: HttpRequest, obj: SyncSet, post_url_continue: str | None = None) -> HttpResponse:
        if way_on(request) == reverse("admin:syncs_devinsync_wizard", args=["destination"]):
            # From the wizard, whose entries have become this set.
            forget_draft(request)
        messages.success(request, f"The sync set “{obj.name}” was created. Its syncs are being made.")
        _warn_of_idle_lines(request, obj)
        return redirect(obj)

    def response_change(self, request: HttpRequest, obj: SyncSet) -> HttpResponse:
        messages.success(request, "Saved. Its syncs follow within seconds.")
        _warn_of_idle_lines(request, obj)
        return redirect(obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Asks what becomes of the syncs and of their secrets."""
        each = find_set(request, UUID(str(object_id)), "delete_devinsync")
        if request.method == "POST":
            return self._delete(request, each)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Delete {each.name}",
            "opts": self.opts,
            "each": each,
            "count": DevinSync.objects.filter(set_id=each.pk).count(),
            "may_remove": can(request.user, "syncs.remove_secrets", place_of(each)),
        }
        return TemplateResponse(request, "admin/fleets/syncset/delete.html", context)

    def _delete(self, request: HttpRequest, each: SyncSet) -> HttpResponse:
        choice = request.POST.get("secrets", "")
        if choice not in (LEAVE, REMOVE):
            messages.error(request, "Choose what should happen to the secrets in Devin.")
            return redirect("admin:fleets_syncset_delete", each.pk)
        if choice == REMOVE:
            demand(request, "remove_secrets", at=place_of(each))
        try:
            count = delete_set(each.pk, by=Actor.in_admin(request.user), removes_secrets=choice == REMOVE)
        except SyncError as error:
            messages.error(request, error.message)
            return redirect(each)
        if choice == REMOVE:
            messages.success(request, f"“{each.name}” goes as soon as the secrets of its {count} syncs are removed.")
            return redirect(each)
        messages.success(request, f"The set “{each.name}” was deleted. Its {count} syncs go on as ordinary ones.")
        return redirect("admin:fleets_syncset_changelist")


def _warn_of_idle_lines(request: HttpRequest, each: SyncSet) -> None:
    for told in told_idle(each):
        messages.warning(request, told)
