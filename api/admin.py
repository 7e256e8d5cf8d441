"""Tokens and machine identities in the admin. What is secret is on one page, once, and never in the session."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.rights import grantable
from api.auth.forms import ApiTokenForm, ClientSecretForm, MachineIdentityForm
from api.auth.scopes import PRESETS
from api.auth.tokens import API_TOKEN, Token
from api.hooks.admin import HookAdmin
from api.models import AccessToken, ApiToken, ClientSecret, Credential, MachineIdentity
from api.shown_once import ShownOnce
from theme.badges import badge
from theme.lists import LightRows
from theme.times import moment

__all__ = ["HookAdmin"]


def use(at: datetime | None, address: str) -> str:
    return format_html("{}{}", moment(at), f" from {address}" if at and address else "")


class Columns:
    """What lists show of a token or a secret: never itself."""

    @admin.display(description="state")
    def state(self, row: Credential) -> str:
        return badge("live" if row.is_live else "expired" if row.is_expired else "revoked")

    @admin.display(description="token")
    def shown_prefix(self, row: Credential) -> str:
        return format_html("<code>{}…</code>", row.prefix)

    @admin.display(description="last used", ordering="last_used_at")
    def last_used(self, row: Credential) -> str:
        """When, and from where if that is known."""
        return use(row.last_used_at, row.last_used_from)

    @admin.display(description="expires", ordering="expires_at")
    def expires(self, row: Credential) -> str:
        return moment(row.expires_at)

    @admin.display(description="scopes")
    def scope_names(self, row: ApiToken | MachineIdentity) -> str:
        return ", ".join(row.scopes) or "all"


class Presets:
    """`?preset=ci` ticks what is often wanted together, on the page that adds something with scopes."""

    def get_changeform_initial_data(self: Any, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = admin.ModelAdmin.get_changeform_initial_data(self, request)
        chosen = PRESETS.get(str(initial.pop("preset", "")))
        return initial | ({"scopes": list(chosen.scopes)} if chosen else {})

    def add_view(
        self: Any, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        presets = {"presets": PRESETS, "chosen": request.GET.get("preset", "")}
        answer: HttpResponse = admin.ModelAdmin.add_view(self, request, form_url, presets | (extra_context or {}))
        return answer


@admin.register(ApiToken)
class ApiTokenAdmin(Presets, Columns, ShownOnce, LightRows, admin.ModelAdmin[ApiToken]):
    form = ApiTokenForm
    list_display = ("name", "user", "shown_prefix", "scope_names", "state", "last_used", "expires")
    list_select_related = ("user",)
    list_filter = ("revoked_at",)
    search_fields = ("name", "prefix", "user__username")
    readonly_fields = ("shown_prefix", "state", "last_used", "created_at")
    actions = ("revoke_tokens",)
    empty_text = (
        "A token lets a script use the REST API with a person's rights, or with fewer. Add one for each script."
    )

    def get_fieldsets(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        limits = ["scopes", "expires_at", "allowed_networks"]
        own = [(None, {"fields": ["name", "user"]}), ("What it may do", {"fields": limits})]
        return own if obj is None else [("Use", {"fields": [self.readonly_fields]}), *own]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return self.readonly_fields if obj is None else (*self.readonly_fields, "user")

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Widening a token's scopes or networks is like making it, so it is for its user. Revoking is for all."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or request.user.is_superuser or obj.user_id == request.user.pk)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A token has its user's rights: only a superuser makes one for somebody else."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "user" and field is not None:
            field.initial = request.user.pk
            if not request.user.is_superuser:
                field.queryset = User.objects.filter(username=request.user.get_username())
        return field

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if not change:
            token = Token.new(API_TOKEN)
            obj.take(token)
            obj.shown_once = token.text
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        return self.show_once(
            request,
            title=f"API token “{obj.name}”",
            label="Token",
            secret=obj.shown_once,
            row=obj,
        )

    @admin.action(description="Revoke the selected tokens", permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        count = revoke_all(self, request, queryset)
        self.message_user(request, f"Revoked {count} {'token' if count == 1 else 'tokens'}.", messages.SUCCESS)


def revoke_all(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> int:
    count = 0
    for row in rows.filter(revoked_at=None):
        row.revoke()
        model_admin.log_change(request, row, "Revoked.")
        count += 1
    return count


class ClientSecretInline(Columns, admin.TabularInline[ClientSecret, MachineIdentity]):
    """Added by a page of their own; here they are seen, and revoked by deleting."""

    model = ClientSecret
    fields = readonly_fields = ("shown_prefix", "description", "state", "created_at", "expires", "last_used")
    extra = 0
    verbose_name_plural = "client secrets"
    empty_text = "It has none, and can do nothing without. Add one above."

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AccessTokenInline(Columns, admin.TabularInline[AccessToken, MachineIdentity]):
    """What the identity holds now; deleting one revokes it. Deleting a client secret does, for all of its own."""

    model = AccessToken
    fields = readonly_fields = ("shown_prefix", "client_secret", "created_at", "expires", "last_used")
    extra = 0
    verbose_name_plural = "live access tokens"
    empty_text = "It is logged in nowhere at present."

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessToken]:
        return super().get_queryset(request).filter(revoked_at=None, expires_at__gt=timezone.now())

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(MachineIdentity)
class MachineIdentityAdmin(Presets, Columns, ShownOnce, LightRows, admin.ModelAdmin[MachineIdentity]):
    form = MachineIdentityForm
    list_display = ("name", "role", "client_id", "scope_names", "is_enabled", "last_used", "created_at")
    list_select_related = ("role",)
    list_filter = ("role", "is_enabled")
    search_fields = ("name", "client_id")
    readonly_fields = ("client_id", "last_used")
    change_form_template = "admin/api/machineidentity/change_form.html"
    empty_text = (
        "A machine identity is who a program is, with a group's rights: it logs in with a client ID and a secret."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[MachineIdentity]:
        return MachineIdentity.objects.with_last_use()

    @admin.display(description="last used")
    def last_used(self, row: Any) -> str:
        """The newest use of what it logs in with, or of what it got for it."""
        uses = [(row.secret_used_at, row.secret_used_from), (row.token_used_at, row.token_used_from)]
        at, address = max(((at, address) for at, address in uses if at), default=(None, ""))
        return use(at, address)

    def get_inlines(self, request: HttpRequest, obj: MachineIdentity | None) -> Any:
        return [] if obj is None else [ClientSecretInline, AccessTokenInline]

    def get_fieldsets(self, request: HttpRequest, obj: MachineIdentity | None = None) -> Any:
        shown = ["name", "description", "role", "is_enabled"] + ([] if obj is None else ["client_id", "last_used"])
        limits = ["scopes", "allowed_networks", "token_ttl", "token_max_ttl"]
        return [(None, {"fields": shown}), ("Limits", {"fields": limits})]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Nobody gives an identity more rights than their own."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "role" and field is not None:
            field.queryset = grantable(request)
        return field

    def has_change_permission(self, request: HttpRequest, obj: MachineIdentity | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or grantable(request).filter(pk=obj.role_id).exists())

    def delete_model(self, request: HttpRequest, obj: MachineIdentity) -> None:
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[MachineIdentity]) -> None:
        for identity in queryset:
            identity.delete()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.add_secret_view)
        return [
            path("<uuid:identity_id>/add-secret/", view, name="api_machineidentity_add_secret"),
            *super().get_urls(),
        ]

    def add_secret_view(self, request: HttpRequest, identity_id: UUID) -> HttpResponse:
        identity = get_object_or_404(MachineIdentity, pk=identity_id)
        if not self.has_change_permission(request, identity):
            raise PermissionDenied
        form = ClientSecretForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self._add_secret(request, identity, form.cleaned_data)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Add a client secret to “{identity}”",
            "form": form,
            "identity": identity,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/api/machineidentity/add_secret.html", context)

    def _add_secret(self, request: HttpRequest, identity: MachineIdentity, cleaned: dict[str, Any]) -> HttpResponse:
        row, secret = identity.add_secret(**cleaned)
        self.log_change(request, identity, f"Added the client secret {row.prefix}….")
        return self.show_once(
            request, title=f"Client secret of “{identity}”", label="Client secret", secret=secret, identity=identity
        )

    def response_add(
        self, request: HttpRequest, obj: MachineIdentity, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Straight on to its first secret: without one, it can do nothing."""
        return HttpResponseRedirect(reverse("admin:api_machineidentity_add_secret", args=[obj.pk]))
