"""Channels: what goes in is never shown again, and a test says what came of it."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.views.decorators.debug import sensitive_post_parameters

from api.shown_once import ShownOnce
from common import clock
from notices.admin.rules import event_words
from notices.choices import Way
from notices.editing import add_channel, change_channel, end_mute, mute, renew_secret, what_goes_with
from notices.forms import ChannelForm
from notices.models import Channel, Delivery
from notices.sending import service_at
from notices.telling import send_now
from theme.badges import badge
from theme.times import moment

SIGNED = (
    "Your receiver checks with this secret that a message is DevinSync's: docs/notifications.md has the few lines of "
    "code for it. Then choose “Send a test” on the channel's page."
)
SETTINGS = ("quiet_from", "quiet_until", "time_zone")
STATE = ("condition", "told_of", "last_sent", "last_problem")


@admin.register(Channel)
class ChannelAdmin(ShownOnce, admin.ModelAdmin[Channel]):
    form = ChannelForm
    list_display = ("name", "way", "shown_address", "condition", "last_sent", "last_problem")
    list_filter = ("way", "is_enabled")
    search_fields = ("name", "shown_address")
    ordering = ("name",)
    readonly_fields = ("shown_address", *STATE)
    change_form_template = "admin/notices/channel/change_form.html"
    empty_text = (
        "A channel is a way to people: mail, a chat, an on-call service, a webhook of your own. Add one, and it is "
        "told when a sync fails or waits for a decision, and when that is over."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        quiet = ("Quiet hours", {"fields": [SETTINGS]})
        if obj is None:
            return [(None, {"fields": ["name", "way", "address"]}), quiet]
        own = ["name", "way", "shown_address", "is_enabled"]
        if self.has_change_permission(request, obj):
            own.insert(3, "address")
        return [("State", {"fields": STATE}), (None, {"fields": own}), quiet]

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        return () if obj is None else (*self.readonly_fields, "way")

    @method_decorator(sensitive_post_parameters())
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Asks which service an address is of before Django opens the transaction that the rest is in."""
        typed = request.POST.get("address", "").strip()
        if typed and self._way(request, object_id) == Way.SERVICE and self._may_save(request, object_id):
            request.service = service_at(typed)  # type: ignore[attr-defined]
        channel = None if object_id is None else self.get_object(request, object_id)
        is_muted = channel is not None and channel.muted_until is not None and channel.muted_until > clock.now()
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), "is_muted": is_muted})

    def _way(self, request: HttpRequest, object_id: str | None) -> str:
        channel = None if object_id is None else self.get_object(request, object_id)
        return channel.way if channel is not None else request.POST.get("way", "")

    def _may_save(self, request: HttpRequest, object_id: str | None) -> bool:
        return self.has_add_permission(request) if object_id is None else self.has_change_permission(request)

    def get_form(self, request: HttpRequest, obj: Channel | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"service": getattr(request, "service", "")})

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        if change:
            change_channel(obj, form)
            return
        made = add_channel(obj)
        request.new_secret = made.secret  # type: ignore[attr-defined]
        if made.rule:
            self.log_change(request, obj, f"Made the rule {made.rule}, with the first channel.")

    def response_add(self, request: HttpRequest, obj: Channel, post_url_continue: str | None = None) -> HttpResponse:
        if obj.way == Way.WEBHOOK:
            return self._show(request, obj, request.new_secret)  # type: ignore[attr-defined]
        told = "It is told of what the rules say." if obj.rules.exists() else "Add a rule that says what it is told of."
        self.message_user(request, f"Added the channel {obj}. Send a test now. {told}", messages.SUCCESS)
        return HttpResponseRedirect(self._page(obj))

    def _show(self, request: HttpRequest, channel: Channel, secret: str) -> HttpResponse:
        told = {"address": channel.shown_address, "hint": SIGNED}
        return self.show_once(request, title=f"Webhook “{channel}”", label="Secret", secret=secret, **told)

    # Buttons

    def get_urls(self) -> list[URLPattern]:
        buttons = {"test": self.test_view, "mute": self.mute_view, "renew": self.renew_view}
        own = [
            path(f"<uuid:pk>/{name}/", self.admin_site.admin_view(view), name=f"notices_channel_{name}")
            for name, view in buttons.items()
        ]
        return [*own, *super().get_urls()]

    def test_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        channel = self._posted(request, pk)
        if isinstance(channel, HttpResponse):
            return channel
        answer = send_now(Delivery(channel=channel, is_test=True, subject="Test"))
        self.log_change(request, channel, f"Sent a test: {answer.words}.")
        level = messages.SUCCESS if answer.is_taken else messages.ERROR
        self.message_user(request, f"Test of “{channel}”: {answer.words}.", level)
        return HttpResponseRedirect(self._page(channel))

    def mute_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        channel = self._posted(request, pk)
        if isinstance(channel, HttpResponse):
            return channel
        is_on = request.POST.get("on") == "1"
        (mute if is_on else end_mute)(channel)
        told = "Muted for an hour." if is_on else "No longer muted."
        self.log_change(request, channel, told)
        self.message_user(request, f"“{channel}”: {told}", messages.SUCCESS)
        return HttpResponseRedirect(self._page(channel))

    def renew_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        channel = self._posted(request, pk)
        if isinstance(channel, HttpResponse):
            return channel
        if channel.way != Way.WEBHOOK:
            return HttpResponseRedirect(self._page(channel))
        secret = renew_secret(channel)
        self.log_change(request, channel, "Made a new secret.")
        return self._show(request, channel, secret)

    def _posted(self, request: HttpRequest, pk: UUID) -> Channel | HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        channel = get_object_or_404(Channel, pk=pk)
        if not self.has_change_permission(request, channel):
            raise PermissionDenied
        return channel

    def _page(self, channel: Channel) -> str:
        return reverse("admin:notices_channel_change", args=[channel.pk])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        channels = list(objs)
        counts = {"channels": len(channels), **what_goes_with(channels)}
        lacking = set() if self.has_delete_permission(request) else {"channel"}
        return [str(channel) for channel in channels], counts, lacking, []

    # Columns

    @admin.display(description="state")
    def condition(self, channel: Channel) -> str:
        if not channel.is_enabled:
            return badge("off", "Disabled")
        if channel.muted_until and channel.muted_until > clock.now():
            return format_html("{} until {}", badge("muted"), moment(channel.muted_until))
        if channel.last_problem:
            return badge("failed")
        return badge("ok", "Works") if channel.last_sent_at else badge("not-tested")

    @admin.display(description="told of")
    def told_of(self, channel: Channel) -> str:
        add = f"{reverse('admin:notices_rule_add')}?channel={channel.pk}"
        rules = [
            (reverse("admin:notices_rule_change", args=[rule.pk]), rule.scope, ", ".join(event_words(rule.events)))
            for rule in channel.rules.select_related("project", "sync")
        ]
        listed = format_html_join("", '<li><a href="{}">{}</a>: {}</li>', rules)
        nothing = "" if rules else "Nothing yet. "
        return format_html('{}<ul>{}</ul><a href="{}">Add a rule</a>', nothing, listed, add)

    @admin.display(description="last sent", ordering="last_sent_at")
    def last_sent(self, channel: Channel) -> str:
        return moment(channel.last_sent_at, otherwise="nothing yet")
