"""Hooks in the admin: the address and, once, the secret to enter in Infisical; later what came of it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from api.hooks.models import Hook
from api.shown_once import ShownOnce
from sources.models import LinkedProject
from theme.times import moment

HINT = (
    "In Infisical: Project settings, Webhooks, add one for each environment, with this URL, this secret and the path / "
    "(or /** where it asks for a pattern). Then choose Test there, and look here for the delivery."
)


class HookForm(forms.ModelForm[Hook]):
    link = forms.ModelChoiceField(
        queryset=LinkedProject.objects.none(),
        label="Project",
        help_text="Projects that are linked from Infisical and have no webhook yet.",
    )

    class Meta:
        model = Hook
        fields = ("link",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "link" in self.fields:
            free = LinkedProject.objects.filter(hook=None, project__source="infisical").select_related("project")
            self.fields["link"].queryset = free  # type: ignore[attr-defined]
            if not free.exists():
                address = reverse("admin:sources_link")
                self.fields["link"].help_text = format_html(
                    'No such project has none yet. <a href="{}">Link one</a> first.', address
                )


@admin.register(Hook)
class HookAdmin(ShownOnce, admin.ModelAdmin[Hook]):
    form = HookForm
    list_display = ("link", "last_delivery", "last_event", "last_problem")
    list_select_related = ("link__project", "link__connection")
    readonly_fields = ("address", "how", "last_delivery", "last_event", "last_problem", "created_at")
    change_form_template = "admin/api/hook/change_form.html"
    empty_text = "Infisical tells by a webhook of each change. Without one, DevinSync looks for changes by itself."

    def get_fieldsets(self, request: HttpRequest, obj: Hook | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["link"]})]
        return [(None, {"fields": list(self.readonly_fields)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Hook | None = None) -> Any:
        return () if obj is None else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Hook, form: Any, change: bool) -> None:
        if not change:
            request.new_secret = obj.renew_secret()  # type: ignore[attr-defined]
        obj.save()

    def response_add(self, request: HttpRequest, obj: Hook, post_url_continue: str | None = None) -> HttpResponse:
        return self._show(request, obj, request.new_secret)  # type: ignore[attr-defined]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.renew_view)
        return [path("<uuid:hook_id>/renew/", view, name="api_hook_renew"), *super().get_urls()]

    def renew_view(self, request: HttpRequest, hook_id: UUID) -> HttpResponse:
        """Another secret; the old one is not believed from now on."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        hook = get_object_or_404(Hook, pk=hook_id)
        if not self.has_change_permission(request, hook):
            raise PermissionDenied
        secret = hook.renew_secret()
        hook.save()
        self.log_change(request, hook, "Made a new secret.")
        return self._show(request, hook, secret)

    def _show(self, request: HttpRequest, hook: Hook, secret: str) -> HttpResponse:
        told = {"address": self._url(request, hook), "hint": HINT}
        return self.show_once(request, title=f"Webhook of “{hook.link.project}”", label="Secret", secret=secret, **told)

    def _url(self, request: HttpRequest, hook: Hook) -> str:
        return request.build_absolute_uri(reverse("hooks:infisical", args=[hook.pk]))

    @admin.display(description="URL")
    def address(self, hook: Hook) -> str:
        return format_html("<code>{}</code> of this site", reverse("hooks:infisical", args=[hook.pk]))

    @admin.display(description="how to set it up")
    def how(self, hook: Hook) -> str:
        return HINT

    @admin.display(description="last delivery", ordering="last_delivery_at")
    def last_delivery(self, hook: Hook) -> str:
        return moment(hook.last_delivery_at, otherwise="none yet: choose Test at the webhook in Infisical")
