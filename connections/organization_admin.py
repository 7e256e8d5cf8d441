"""The organizations that connections reach, by name: a list to look at, and a button that asks Devin for them."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.errors import ConnectionFailed
from connections.models import Connection, Organization
from connections.organizations import Refreshed, refresh
from encryption import DecryptionError
from theme.badges import badge
from theme.lists import ReadOnly

NOT_LISTED = (
    "The key of “{name}” lists no organizations: it is no enterprise key with the permission ManageOrganizations. "
    "Syncs still reach the organizations that it may write to, by their IDs."
)


class PresenceFilter(admin.SimpleListFilter):
    title = "presence"
    parameter_name = "presence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("there", "There"), ("gone", "Gone")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = {"there": True, "gone": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(gone_at__isnull=wanted)


@admin.register(Organization)
class OrganizationAdmin(ReadOnly, admin.ModelAdmin[Organization]):
    list_display = ("called", "org_id", "connection", "first_seen_at", "last_seen_at", "presence")
    list_filter = (PresenceFilter, ("connection", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("connection",)
    list_per_page = 50
    search_fields = ("name", "org_id")
    search_help_text = "Search names and IDs"
    ordering = ("name", "org_id")
    actions = None
    list_display_links = None
    empty_text = (
        "Connections whose key belongs to an enterprise, with the permission ManageOrganizations, tell their "
        "organizations here: after a test, once a day, and when a connection's page asks for them."
    )

    @admin.display(description="name", ordering="name")
    def called(self, row: Organization) -> str:
        return row.name or "–"

    @admin.display(description="now", ordering="gone_at")
    def presence(self, row: Organization) -> SafeString:
        return badge("ok", "There") if row.gone_at is None else badge("off", "Gone")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Reached from a connection's page; no place in the sidebar."""
        return False


def ask_for_organizations(request: HttpRequest, object_id: UUID) -> HttpResponse:
    """The button on a connection's page."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    connection = Connection.objects.filter(pk=object_id, app=Connection.App.DEVIN).first()
    needed = ("connections.view_connection", "connections.use_connection")
    if connection is None or not request.user.has_perms(needed):
        raise Http404
    try:
        _tell(request, connection, refresh(connection))
    except (ConnectionFailed, DecryptionError) as error:
        messages.error(request, f"The organizations of “{connection.name}” are as they were. {error}")
    return redirect("admin:connections_connection_change", connection.pk)


def _tell(request: HttpRequest, connection: Connection, found: Refreshed) -> None:
    if not found.is_listed:
        messages.warning(request, NOT_LISTED.format(name=connection.name))
        return
    noun = "organization" if found.count == 1 else "organizations"
    changed = f"{found.new} new, {found.gone} gone" if found.new or found.gone else "none new, none gone"
    messages.success(request, f"“{connection.name}” reaches {found.count} {noun}: {changed}.")


def organizations_of(connection: Connection) -> SafeString | str:
    """In a connection's page: how many there are, with the way to them."""
    count = connection.organizations.filter(gone_at=None).count()
    if not count:
        return "none that Devin tells by name"
    query = f"?connection__id__exact={connection.pk}&presence=there"
    return format_html(
        '<a href="{}{}">{} {}</a>',
        reverse("admin:connections_organization_changelist"),
        query,
        count,
        "organization" if count == 1 else "organizations",
    )
