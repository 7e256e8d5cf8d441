"""What happened, and what became of each message: read, and sent again."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join

from common.long_lists import LongListPaginator
from notices.asking import subject_of
from notices.choices import State
from notices.events import BY_NAME, EVENTS
from notices.models import Delivery, Incident
from notices.telling import try_again
from theme.badges import badge
from theme.lists import ReadOnly
from theme.times import moment


class EventFilter(admin.SimpleListFilter):
    title = "event"
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(event.name, event.label) for event in EVENTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(event=self.value()) if self.value() else queryset


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(closed_at__isnull=self.value() == "open") if self.value() else queryset


@admin.register(Incident)
class IncidentAdmin(ReadOnly, admin.ModelAdmin[Incident]):
    list_display = ("title", "what", "condition", "began", "over", "told_to")
    list_filter = (OpenFilter, EventFilter)
    search_fields = ("title",)
    ordering = ("-opened_at",)
    paginator = LongListPaginator
    show_full_result_count = False
    list_per_page = 50
    fields = ("title", "what", "condition", "text", "go_on", "began", "over", "end_text", "told")
    readonly_fields = fields
    empty_text = (
        "An incident begins when a sync fails, waits for a decision or something else goes wrong, and is over when "
        "that is mended. None has begun yet: add a channel, so that somebody is told."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return super().get_queryset(request).prefetch_related("notices__delivery__channel")

    @admin.display(description="event", ordering="event")
    def what(self, incident: Incident) -> str:
        return BY_NAME[incident.event].label if incident.event in BY_NAME else incident.event

    @admin.display(description="state", ordering="closed_at")
    def condition(self, incident: Incident) -> str:
        return badge("over") if incident.closed_at else badge("failed", "Open")

    @admin.display(description="began", ordering="opened_at")
    def began(self, incident: Incident) -> str:
        return moment(incident.opened_at)

    @admin.display(description="over", ordering="closed_at")
    def over(self, incident: Incident) -> str:
        return moment(incident.closed_at, otherwise="not yet")

    @admin.display(description="where to go on")
    def go_on(self, incident: Incident) -> str:
        return format_html('<a class="ds-btn" href="{}">Go on</a>', incident.link) if incident.link else "–"

    @admin.display(description="told")
    def told_to(self, incident: Incident) -> str:
        names = dict.fromkeys(str(each.delivery.channel) for each in incident.notices.all())
        return ", ".join(names) or "nobody"

    @admin.display(description="told")
    def told(self, incident: Incident) -> str:
        rows = [
            (
                _delivery_url(each.delivery),
                f"{each.delivery.channel}{', its end' if each.is_end else ''}",
                _delivery_badge(each.delivery),
            )
            for each in incident.notices.all()
        ]
        return format_html_join("", '<div><a href="{}">{}</a> {}</div>', rows) or "nobody: no rule covers it"


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, admin.ModelAdmin[Delivery]):
    has_history = True
    list_display = ("message", "channel", "condition", "attempts", "answer", "made", "next")
    list_select_related = ("channel",)
    list_filter = ("state", "channel")
    ordering = ("-created_at",)
    paginator = LongListPaginator
    show_full_result_count = False
    list_per_page = 50
    change_form_template = "admin/notices/delivery/change_form.html"
    fields = ("message", "channel", "condition", "attempts", "answer", "made", "next", "ended", "content")
    readonly_fields = fields
    empty_text = "Each message to a channel is listed here with what came of it. Send a test from a channel's page."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        delivery = self.get_object(request, object_id)
        may_retry = delivery is not None and delivery.state == State.FAILED and _may_retry(request)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_retry": may_retry})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.retry_view)
        return [path("<uuid:pk>/retry/", view, name="notices_delivery_retry"), *super().get_urls()]

    def retry_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not _may_retry(request):
            raise PermissionDenied
        delivery = get_object_or_404(Delivery.objects.select_related("channel"), pk=pk)
        if try_again(delivery):
            self.log_change(request, delivery, f"Tried again, to {delivery.channel}.")
            self.message_user(request, "It is sent again within seconds. Reload the page to see.", messages.SUCCESS)
        else:
            self.message_user(request, "It did not fail, or waits already.", messages.WARNING)
        return HttpResponseRedirect(_delivery_url(delivery))

    @admin.display(description="message", ordering="subject")
    def message(self, delivery: Delivery) -> str:
        return str(delivery)

    @admin.display(description="state", ordering="state")
    def condition(self, delivery: Delivery) -> str:
        return _delivery_badge(delivery)

    @admin.display(description="made", ordering="created_at")
    def made(self, delivery: Delivery) -> str:
        return moment(delivery.created_at)

    @admin.display(description="next attempt", ordering="not_before")
    def next(self, delivery: Delivery) -> str:
        return moment(delivery.not_before if delivery.state == State.WAITING else None, otherwise="none")

    @admin.display(description="ended")
    def ended(self, delivery: Delivery) -> str:
        return moment(delivery.ended_at, otherwise="not yet")

    @admin.display(description="tells of")
    def content(self, delivery: Delivery) -> str:
        rows = [
            (
                reverse("admin:notices_incident_change", args=[each.incident_id]),
                subject_of(each.incident, is_end=each.is_end),
            )
            for each in delivery.notices.select_related("incident")
        ]
        return format_html_join("", '<div><a href="{}">{}</a></div>', rows) or "itself: a test"


def _may_retry(request: HttpRequest) -> bool:
    return request.user.has_perm("notices.change_delivery")


def _delivery_badge(delivery: Delivery) -> str:
    return badge({"waiting": "pending"}.get(delivery.state, delivery.state), State(delivery.state).label)


def _delivery_url(delivery: Delivery) -> str:
    return reverse("admin:notices_delivery_change", args=[delivery.pk])
