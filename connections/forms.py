"""The form of a connection, made for its app and method: credentials go in and never come out again."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst

from connections.errors import ConnectionFailed
from connections.expiry import Expiry, first_moment_of, why_not
from connections.kinds import Entry, Identity, Kind
from connections.models import Connection
from connections.registry import kind_named
from connections.ways import PROXY, is_bare, login_in


@dataclass(frozen=True)
class Verdict:
    """What the service said about the credentials that were entered: who they are, or why not."""

    identity: Identity | None = None
    error: ConnectionFailed | None = None


class ConnectionForm(forms.ModelForm[Connection]):
    """Checks what can be checked here; `verdict` brings what the service said, once it was asked."""

    verdict: Verdict | None = None
    # Why this person may give the connection no other address or credentials; "" if they may.
    refusal = ""
    app, method = "devin", "api-key"
    # The entries of its app and method, and the fields of both.
    credentials: tuple[Entry, ...] = ()
    parameters: tuple[Entry, ...] = ()

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    key_expires_on = forms.DateField(
        label="Expires on", required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )

    class Meta:
        model = Connection
        fields = ("name", "description", "base_url", "concurrency")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance
        is_new = stored._state.adding
        if is_new:
            stored.app, stored.method = self.app, self.method
        self._stored_base_url = "" if is_new else stored.base_url
        self._stored_where = "" if is_new else stored.where
        self._stored_parameters = {} if is_new else dict(stored.parameters)
        # A form without these fields is shown to whoever may look but not change.
        if "seen_version" in self.fields:
            self.fields["seen_version"].initial = stored.version
        if "base_url" in self.fields:
            self._describe_address(stored.kind, is_new=is_new)
        for entry in self.credentials:
            self.fields[entry.name].required = is_new and entry.is_required
            self.fields[entry.name].help_text = entry.help_text if is_new else self._kept(entry)
        for entry in self.parameters:
            self.fields[entry.name].initial = stored.parameters.get(entry.api_name, "")
        if "key_expires_on" in self.fields:
            self._describe_expiry(stored, is_new=is_new)

    @property
    def is_moved(self) -> bool:
        return bool(self._stored_where) and self.instance.where != self._stored_where

    @property
    def move(self) -> str:
        """The change of address, or of the way there, in words; "" if there is none."""
        return f"the address from {self._stored_where} to {self.instance.where}" if self.is_moved else ""

    @property
    def given_credentials(self) -> dict[str, str]:
        """Those that were entered, by API name; empty if the stored ones stay. A proxy's login is one of them."""
        cleaned = getattr(self, "cleaned_data", {})
        given = {entry.api_name: text for entry in self.credentials if (text := cleaned.get(entry.name))}
        proxy = cleaned.get(PROXY.name) or ""
        return given | ({PROXY.api_name: proxy} if login_in(proxy) else {})

    def clean_seen_version(self) -> int | None:
        seen: int | None = self.cleaned_data["seen_version"]
        if not self.instance._state.adding and seen != self.instance.version:
            raise ValidationError(
                "Somebody else changed this connection after you opened it. Load the page again and repeat your change."
            )
        return seen

    @property
    def enters_expiry(self) -> bool:
        """A date that stays as it was is not one for new credentials."""
        return "key_expires_on" in self.changed_data

    @property
    def expires_at(self) -> datetime | None:
        day = self.cleaned_data["key_expires_on"]
        return first_moment_of(day) if day else None

    def clean_key_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["key_expires_on"]
        if day and self.enters_expiry and (problem := why_not(first_moment_of(day))):
            raise ValidationError(problem)
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.parameters:
            self.instance.parameters = {
                entry.api_name: entry.shown(text) for entry in self.parameters if (text := cleaned.get(entry.name))
            }
        self._require_all_or_none()
        return cleaned

    def _require_all_or_none(self) -> None:
        """Credentials are sealed together, so half of them cannot be replaced."""
        given = self.given_credentials
        for entry in self.credentials:
            if given and entry.is_required and entry.api_name not in given and entry.name not in self.errors:
                self.add_error(entry.name, f"Enter the {entry.label} too: they are stored together.")

    def _post_clean(self) -> None:
        # Only here the base URL has its one spelling, which the stored credentials are bound to.
        super()._post_clean()  # type: ignore[misc]
        pointed = self._pointed_elsewhere()
        if self.refusal and (pointed or self.given_credentials):
            self.add_error(pointed or self.credentials[-1].name, self.refusal)
        if not self.errors and pointed and not self.given_credentials:
            self.add_error(self.credentials[-1].name, self._needed_again(pointed))
        self._add_verdict()

    def _pointed_elsewhere(self) -> str:
        """The field that says so, "" if none does."""
        if not self._stored_base_url:
            return ""
        if self.instance.base_url != self._stored_base_url:
            return "base_url"
        stored, now = self._stored_parameters, self.instance.parameters
        changed = (
            entry.name
            for entry in self.parameters
            if entry.is_pointing and stored.get(entry.api_name) != now.get(entry.api_name)
        )
        return next(changed, "")

    def _needed_again(self, field: str) -> str:
        words = self.instance.kind.secret_words
        if field == "base_url":
            return (
                f"Enter the {words} for {self.instance.base_url}: the stored one is for {self._stored_base_url} only."
            )
        label = next(entry.label for entry in self.parameters if entry.name == field)
        return f"Enter the {words} again: the stored one is not used with another {label}."

    def _add_verdict(self) -> None:
        last = self.credentials[-1].name if self.credentials else ""
        if last and self.verdict is not None and self.verdict.error is not None and last not in self.errors:
            self.add_error(last, self.verdict.error.message)

    def _kept(self, entry: Entry) -> str:
        hint = self.instance.credentials_hint
        if not self.instance.sealed_credentials:
            return f"No {_short(entry)} is stored yet."
        return f"Leave empty to keep the stored {_short(entry)}" + (
            f" (ends in …{hint})." if hint and entry.is_hinted else "."
        )

    def _describe_expiry(self, stored: Connection, *, is_new: bool) -> None:
        field, words = self.fields["key_expires_on"], stored.kind.secret_words
        field.help_text = (
            f"The day on which the {words} ends, if you know it: it is warned of 14, 3 and 1 days before. "
            f"A new {words} clears it."
        )
        if is_new:
            return
        life = stored.life
        field.initial = timezone.localtime(life.expires_at).date() if life.expires_at else None
        if life.is_told:
            field.disabled = True
            field.help_text = f"{stored.kind.label} says so itself, so nobody enters it."
        elif life.former_expires_at:
            day = Expiry(life.former_expires_at).day
            field.help_text = (
                f"{day} was entered for the {words} before this one, and does not count any more. {field.help_text}"
            )

    def _describe_address(self, kind: Kind, *, is_new: bool) -> None:
        field = self.fields["base_url"]
        field.label, field.help_text = capfirst(kind.address_label), kind.address_help
        if is_new:
            field.initial = kind.usual_address()


def _short(entry: Entry) -> str:
    """“key” for “API key”: the field's label stands beside it."""
    return entry.label.removeprefix("API ")


@cache
def form_for(app: str, method: str) -> type[ConnectionForm]:
    """The form for one method of an app."""
    kind = kind_named(app)
    credentials = kind.method(method).credentials
    fields: dict[str, Any] = {entry.name: _field(entry, is_credential=True) for entry in credentials}
    fields |= {entry.name: _field(entry, is_credential=False) for entry in kind.parameters}
    told = {"app": app, "method": method, "credentials": credentials, "parameters": kind.parameters}
    return cast(type[ConnectionForm], type("ConnectionForm", (ConnectionForm,), {**fields, **told}))


class EntryField(forms.CharField):
    """Cleans as its entry does; nothing of what was typed comes back in a message."""

    def __init__(self, entry: Entry, **kwargs: Any) -> None:
        self.entry = entry
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        return self.entry.clean(text) if text else ""


class EntryChoice(forms.ChoiceField):
    """One of the entry's choices."""


def _field(entry: Entry, *, is_credential: bool) -> forms.Field:
    if entry.choices:
        return EntryChoice(label=capfirst(entry.label), help_text=entry.help_text, choices=entry.choices, required=True)
    attrs = {"class": "vTextField", **({"autocomplete": "new-password"} if is_credential else {})}
    widget: forms.Widget
    if is_credential:
        # Never rendered again, whether dots or letters are shown while it is typed.
        widget = forms.PasswordInput(render_value=False, attrs=attrs) if entry.is_masked else Unreturned(attrs=attrs)
    else:
        one_line = WithoutLogin(attrs=attrs) if entry is PROXY else forms.TextInput(attrs=attrs)
        widget = forms.Textarea(attrs={"rows": entry.lines}) if entry.lines > 1 else one_line
    return EntryField(
        entry,
        label=capfirst(entry.label),
        help_text=entry.help_text,
        required=entry.is_required,
        # Generous, so that the message about the limit is ours and a stray line break does not count.
        max_length=entry.longest * 2,
        widget=widget,
        strip=True,
    )


class Unreturned(forms.TextInput):
    """Shows what is typed and forgets it with the page."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class WithoutLogin(forms.TextInput):
    """Shows a proxy again, but not one that was typed with a login, or is none."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, value if is_bare(value or "") else None, attrs)
