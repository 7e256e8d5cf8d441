"""The form of a connection: the API key goes in and never comes out again."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from connections.devin.errors import DevinError
from connections.devin.types import Principal
from connections.models import Connection
from connections.validation import API_KEY_LENGTH, clean_api_key


@dataclass(frozen=True)
class Verdict:
    """What Devin said about the API key that was entered: who it is, or why not."""

    principal: Principal | None = None
    error: DevinError | None = None


class ConnectionForm(forms.ModelForm[Connection]):
    """Checks what can be checked here; `verdict` brings what Devin said, once it was asked."""

    verdict: Verdict | None = None
    # Why this person may give the connection no other address or key; "" if they may.
    refusal = ""

    api_key = forms.CharField(
        label="API key",
        required=False,
        # Generous, so that the message about the limit is ours and a stray line break does not count.
        max_length=API_KEY_LENGTH * 2,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Connection
        fields = ("name", "description", "base_url", "concurrency")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored_base_url = "" if self.instance._state.adding else self.instance.base_url
        # A form without these fields is shown to whoever may look but not change.
        if "seen_version" in self.fields:
            self.fields["seen_version"].initial = self.instance.version
        if "api_key" in self.fields:
            self.fields["api_key"].required = self.instance._state.adding
            self.fields["api_key"].help_text = self._api_key_help()

    @property
    def is_moved(self) -> bool:
        return bool(self._stored_base_url) and self.instance.base_url != self._stored_base_url

    @property
    def move(self) -> str:
        """The change of address in words, "" if there is none."""
        return f"the address from {self._stored_base_url} to {self.instance.base_url}" if self.is_moved else ""

    def clean_api_key(self) -> str:
        key = self.cleaned_data["api_key"]
        return clean_api_key(key) if key else ""

    def clean_seen_version(self) -> int | None:
        seen: int | None = self.cleaned_data["seen_version"]
        if not self.instance._state.adding and seen != self.instance.version:
            raise ValidationError(
                "Somebody else changed this connection after you opened it. Load the page again and repeat your change."
            )
        return seen

    def _post_clean(self) -> None:
        # Only here the base URL has its one spelling, which the stored API key is bound to.
        super()._post_clean()  # type: ignore[misc]
        if self.refusal and (self.is_moved or self.cleaned_data.get("api_key")):
            self.add_error("base_url" if self.is_moved else "api_key", self.refusal)
        if self.errors or not self._stored_base_url:
            self._add_verdict()
            return
        if self.is_moved and not self.cleaned_data["api_key"]:
            self.add_error(
                "api_key",
                f"Enter the API key for {self.instance.base_url}: the stored one is for {self._stored_base_url} only.",
            )
        self._add_verdict()

    def _add_verdict(self) -> None:
        if self.verdict is not None and self.verdict.error is not None and "api_key" not in self.errors:
            self.add_error("api_key", self.verdict.error.message)

    def _api_key_help(self) -> str:
        if self.instance._state.adding:
            return (
                "The key of a Devin service user that may manage the organization's secrets; it starts with “cog_”. "
                "Saving asks Devin who it is. It is stored encrypted and never shown again."
            )
        hint = self.instance.credentials_hint
        if not self.instance.sealed_credentials:
            return "No key is stored yet."
        return "Leave empty to keep the stored key" + (f" (ends in …{hint})." if hint else ".")
