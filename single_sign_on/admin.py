"""Who is who at the providers: administrators link people and unlink them. A link lets somebody in as that person, so
nobody makes or takes one of somebody who may do more than they."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.admin import may_touch
from single_sign_on.models import Identity
from single_sign_on.people import known

# None of allauth's tables is looked at here: they stay empty.
for model in (EmailAddress, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)


class IdentityForm(forms.ModelForm[Identity]):
    request: HttpRequest

    issuer = forms.ChoiceField(
        label="Provider", choices=lambda: [(one.issuer, one.label) for one in settings.SSO_PROVIDERS.values()]
    )

    class Meta:
        model = Identity
        fields = ("user", "issuer", "subject")
        help_texts = {"subject": "Who they are there, as the provider's tokens say in “sub”. To the letter."}

    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if not may_touch(self.request, user):
            raise ValidationError("This person may do more than you. Ask somebody who may do as much to link them.")
        return user

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        chosen = [one for one in settings.SSO_PROVIDERS.values() if one.issuer == cleaned.get("issuer")]
        if chosen and "subject" in cleaned:
            self.instance.protocol = chosen[0].protocol
            # The form does not show the protocol, so it does not look by itself.
            if known(chosen[0], cleaned["subject"]) is not None:
                raise ValidationError("This subject is linked to somebody already. Unlink it there first.")
        return cleaned


@admin.register(Identity)
class IdentityAdmin(admin.ModelAdmin[Identity]):
    form = IdentityForm
    list_display = ("user", "provider", "subject", "logged_in_at")
    search_fields = ("user__username", "subject")
    list_select_related = ("user",)
    ordering = ("user__username", "issuer")

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return type("FormOfRequest", (super().get_form(request, *args, **kwargs),), {"request": request})

    def has_change_permission(self, request: HttpRequest, obj: Identity | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Identity | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_touch(request, obj.user))

    @admin.display(description="provider", ordering="issuer")
    def provider(self, identity: Identity) -> str:
        labels = {(one.protocol, one.issuer): one.label for one in settings.SSO_PROVIDERS.values()}
        other = f"{identity.issuer} ({identity.get_protocol_display()})"
        return labels.get((identity.protocol, identity.issuer), other)
