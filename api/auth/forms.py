"""The admin's forms of tokens and identities."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from api.auth.scopes import DESCRIPTIONS
from api.models import ApiToken, MachineIdentity, validate_networks
from theme.widgets import Boxes, DateTimeInput

# What somebody has to think about to exceed.
PRESET_LIFE = timedelta(days=90)


class NetworksField(forms.CharField):
    """A list of addresses and networks, one a line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return str(value or "").split()

    def validate(self, value: Any) -> None:
        validate_networks(value)

    def run_validators(self, value: Any) -> None:
        pass

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))


class ScopedForm(forms.ModelForm[Any]):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, f"{text} ({scope})") for scope, text in DESCRIPTIONS.items()],
        required=False,
        widget=Boxes,
        help_text="None chosen: all that its rights allow.",
    )
    allowed_networks = NetworksField(
        required=False, help_text="Addresses or networks that it may be used from, one a line. Empty: from anywhere."
    )


def expiry() -> forms.DateTimeField:
    return forms.DateTimeField(
        label="Expires",
        required=False,
        widget=DateTimeInput,
        help_text="In 90 days, unless you say otherwise. Empty: it does not expire.",
    )


def preset_expiry() -> datetime:
    return timezone.now() + PRESET_LIFE


class ApiTokenForm(ScopedForm):
    expires_at = expiry()

    class Meta:
        model = ApiToken
        fields = ["name", "user", "scopes", "expires_at", "allowed_networks"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial.setdefault("expires_at", preset_expiry())


class MachineIdentityForm(ScopedForm):
    class Meta:
        model = MachineIdentity
        fields = [
            "name",
            "description",
            "role",
            "is_enabled",
            "scopes",
            "allowed_networks",
            "token_ttl",
            "token_max_ttl",
        ]


class ClientSecretForm(forms.Form):
    description = forms.CharField(max_length=256, required=False, help_text="Where it is used.")
    expires_at = expiry()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("expires_at", preset_expiry())

    def clean_expires_at(self) -> Any:
        at = self.cleaned_data["expires_at"]
        if at is not None and at <= timezone.now():
            raise ValidationError("Choose a time to come.")
        return at
