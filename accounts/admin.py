"""Users and groups, without a way to more rights than one's own."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Field, ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join

from accounts.about import parts_about
from accounts.choices import as_boxes
from accounts.doomed import Doomed
from accounts.rights import grantable, lacking_permissions
from accounts.roles import BUILT_IN_GROUPS, DESCRIPTIONS
from accounts.second_factor.resetting import HasSecondFactor, ResetsSecondFactor

# What fields of a user are called here, and the help beside them.
WORDS = {
    "is_staff": ("May log in", "Without it, this person can use the API only."),
    "is_active": ("Active", "Take this away rather than delete somebody: history keeps their name."),
    "is_superuser": ("Superuser", "May do everything, in every group or none."),
    "groups": ("Groups", "A person may do what any of their groups may."),
    "user_permissions": ("Permissions", "A group is easier to look after: prefer one."),
}


class OwnUserAdmin(ResetsSecondFactor, UserAdmin[User]):
    """Django's, but: nobody makes somebody, or touches somebody, who may do more than they."""

    list_display = (
        "username",
        "email",
        "full_name",
        "group_names",
        "is_active",
        "is_superuser",
        "has_factor",
        "last_login",
    )
    list_filter = ("is_active", "is_superuser", HasSecondFactor, "groups")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined", "second_factor")
    fieldsets = (
        (None, {"fields": ("username", "password", ("first_name", "last_name"), "email")}),
        ("What this person may do", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Single permissions, beside those of the groups", {"fields": ("user_permissions",), "classes": ("collapse",)}),
        ("Known since", {"fields": (("last_login", "date_joined"), "second_factor")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "password1", "password2")}),
        ("What this person may do", {"fields": ("groups", "is_staff")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def render_change_form(self, request: HttpRequest, context: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        user = kwargs.get("obj")
        about = list(parts_about(request, user)) if user is not None else []
        return super().render_change_form(request, {**context, "about": about}, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # Without it nobody can log in here, and a forgotten tick looks like a wrong password.
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        form_field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if form_field is not None and db_field.name in WORDS:
            form_field.label, form_field.help_text = WORDS[db_field.name]
        return form_field

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        form_field: Any = super().formfield_for_manytomany(db_field, request, **kwargs, **as_boxes(db_field.name))
        if db_field.name == "groups" and form_field is not None:
            form_field.queryset = grantable(request)
        return form_field

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and may_touch(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Counts instead of a list of all that a person has ever done here."""
        doomed = Doomed(objs)
        counts = doomed.count()
        ones = {str(model._meta.verbose_name_plural): str(model._meta.verbose_name) for model in apps.get_models()}
        told = [f"{number:,} {ones.get(name, name) if number == 1 else name}" for name, number in counts.items()]
        lacking = doomed.name_forbidden(request, self.admin_site)
        protected = super().get_deleted_objects(objs, request)[-1] if doomed.protected else []
        return [*map(str, objs), told], counts, lacking, protected

    @admin.display(description="name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description="groups")
    def group_names(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all()))


def may_touch(request: HttpRequest, user: User | None) -> bool:
    if user is None or request.user.is_superuser:
        return True
    return not user.is_superuser and _permissions_of(user) <= request.user.get_all_permissions()


def _permissions_of(user: User) -> set[str]:
    """Those that a user has or, being inactive, would have."""
    return User(pk=user.pk, is_active=True).get_all_permissions()


class OwnGroupAdmin(GroupAdmin):
    """Django's, but the built-in groups can only be looked at: each upgrade sets them anew."""

    list_display = ("name", "description")
    filter_horizontal = ()
    readonly_fields = ("description", "allowed")

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return ("name", "description", "allowed") if _is_built_in(obj) else ("name", "permissions")

    def formfield_for_manytomany(  # type: ignore[override]
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        form_field: Any = super().formfield_for_manytomany(db_field, request, **kwargs, **as_boxes(db_field.name))
        if db_field.name == "permissions" and form_field is not None and not request.user.is_superuser:
            form_field.queryset = form_field.queryset.exclude(pk__in=lacking_permissions(request))
        return form_field

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_edit(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_edit(request, obj)

    @admin.display(description="what its members may do")
    def description(self, group: Group) -> str:
        return DESCRIPTIONS.get(group.name, "As chosen by you.")

    @admin.display(description="permissions")
    def allowed(self, group: Group) -> str:
        permissions = group.permissions.select_related("content_type").order_by("content_type__app_label", "name")
        rows = ((permission.content_type.app_label, permission.name) for permission in permissions)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {}</li>", rows))


def _may_edit(request: HttpRequest, group: Group | None) -> bool:
    return group is None or (not _is_built_in(group) and grantable(request).filter(pk=group.pk).exists())


def _is_built_in(group: Group | None) -> bool:
    return group is not None and group.name in BUILT_IN_GROUPS


admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.register(User, OwnUserAdmin)
admin.site.register(Group, OwnGroupAdmin)
