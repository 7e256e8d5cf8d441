"""The admin's forms of channels and rules. What is typed as an address goes in and is in no page again."""

import re
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet

from connections.listing import matches
from connections.validation import VISIBLE_ASCII
from notices.choices import Way
from notices.events import choices
from notices.models import Channel, Rule
from syncs.admin.form_fields import ProjectField
from syncs.models import DevinSync
from theme.widgets import Boxes, Suggestions, TypeaheadText
from vault.access import visible

MOST_RECIPIENTS = 50
LONGEST = 2000
MOST_SUGGESTED = 50
NO_SERVICE = (
    "This is no address of a service that can be told from here. Write it as the documentation of Apprise says, "
    "for example slack://TokenA/TokenB/TokenC."
)


class NeverShown(forms.Textarea):
    """Not even what was typed a moment ago."""

    def format_value(self, value: Any) -> None:
        return None


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class ChannelForm(forms.ModelForm[Channel]):
    """`service` is the name of the service that the address is of, if it is to be one: it was asked for before, as that
    takes a moment."""

    service = ""

    address = forms.CharField(
        required=False,
        max_length=LONGEST,
        widget=NeverShown(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        help_text=(
            "Mail: addresses, one a line. Chat or on-call service: its address as Apprise writes it, such as "
            "slack://… or pagerduty://…. Webhook: the https address that takes the message. It is sealed, and shown "
            "to nobody again."
        ),
    )

    class Meta:
        model = Channel
        fields = ("name", "way", "is_enabled", "quiet_from", "quiet_until", "time_zone")
        widgets = {"quiet_from": TimeInput(), "quiet_until": TimeInput()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_new = self.instance._state.adding
        if not self.is_new and "address" in self.fields:
            self.fields["address"].help_text = "Stored. Enter another to replace it; leave this empty to keep it."

    def clean(self) -> dict[str, Any]:
        super().clean()
        typed = self.cleaned_data.get("address", "")
        way = self.cleaned_data.get("way") or self.instance.way
        if typed:
            try:
                self.cleaned_data["address"], self.shown = self._read(way, typed)
            except ValidationError as error:
                self.add_error("address", error)
        elif self.is_new:
            self.add_error("address", "Enter the address.")
        return self.cleaned_data

    def _read(self, way: str, typed: str) -> tuple[str, str]:
        """The address as it is stored, and what may be shown of it."""
        if way == Way.MAIL:
            return read_recipients(typed)
        if way == Way.WEBHOOK:
            return read_webhook(typed)
        if not self.service:
            raise ValidationError(NO_SERVICE)
        return typed.strip(), self.service

    def save(self, commit: bool = True) -> Channel:
        channel: Channel = super().save(commit=False)
        if self.cleaned_data.get("address"):
            channel.set_address(self.cleaned_data["address"], shown=self.shown)
            channel.last_problem = ""
        if commit:
            channel.save()
        return channel


def read_recipients(typed: str) -> tuple[str, str]:
    found = [part for part in re.split(r"[\s,;]+", typed) if part]
    if not found or len(found) > MOST_RECIPIENTS:
        raise ValidationError(f"Enter one to {MOST_RECIPIENTS} mail addresses. For more, use a list of your own.")
    for each in found:
        try:
            validate_email(each)
        except ValidationError:
            raise ValidationError("One of these is no mail address, such as oncall@example.com.") from None
    return " ".join(found), ", ".join(found)


def read_webhook(typed: str) -> tuple[str, str]:
    text = typed.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if not host or parts.scheme not in ("http", "https") or not VISIBLE_ASCII.fullmatch(text):
        raise ValidationError("This is no web address. Enter one such as https://hooks.example.com/devinsync.")
    if parts.username is not None or parts.fragment:
        raise ValidationError("Leave out user, password and what follows #: the signature says that it is DevinSync.")
    if parts.scheme == "http" and not matches(text, settings.NOTIFY_HOSTS):
        raise ValidationError("Use https: plain http is for hosts in NOTIFY_HOSTS alone.")
    return text, host


class SyncField(forms.CharField):
    """A sync as “project/name”: there may be thousands, so it is typed. Programs say its id. Offers what it is given to
    `offer`."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=TypeaheadText(), help_text="As project/name. Empty: of all syncs.")
        self.syncs: QuerySet[DevinSync] = DevinSync.objects.none()

    def offer(self, user: Any) -> None:
        self.syncs = visible(user, DevinSync.objects.select_related("project"))
        self.widget.suggest = self._suggest

    def prepare_value(self, value: Any) -> Any:
        sync = DevinSync.objects.filter(pk=value).select_related("project").first() if _is_id(value) else None
        return _written(sync) if sync else value

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        project, _, name = text.partition("/")
        named = {"pk": text} if _is_id(text) else {"project__slug": project, "name": name}
        sync = self.syncs.filter(**named).first()
        if sync is None:
            raise ValidationError("There is no such sync. Write it as project/name, as in the list of syncs.")
        return sync

    def run_validators(self, value: Any) -> None:
        pass

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(self.prepare_value(initial) or "") != str(data or "").strip()

    def _suggest(self, text: str) -> Suggestions:
        rows = list(self.syncs.order_by("project__slug", "name")[:MOST_SUGGESTED])
        left = max(self.syncs.count() - MOST_SUGGESTED, 0) if len(rows) == MOST_SUGGESTED else 0
        return Suggestions([(_written(sync), "") for sync in rows], left)


def _is_id(value: Any) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False


def _written(sync: DevinSync) -> str:
    return f"{sync.project.slug}/{sync.name}"


class RuleForm(forms.ModelForm[Rule]):
    """`user` is whose form it is: what they see is offered."""

    user: Any = None

    events = forms.MultipleChoiceField(
        widget=Boxes, error_messages={"required": "Choose at least one: without, nobody is told of anything."}
    )
    project = ProjectField(required=False, help_text="Empty: of all projects.")
    sync = SyncField()

    class Meta:
        model = Rule
        fields = ("channel", "events", "project", "sync", "pace", "tells_end", "is_enabled")

    @classmethod
    def of(cls, user: Any) -> type[Self]:
        return type(cls.__name__, (cls,), {"user": user})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "events" in self.fields:
            self.fields["events"].choices = choices()  # type: ignore[attr-defined]
            self.fields["project"].empty_label = "All projects"  # type: ignore[attr-defined]
            for name in ("project", "sync"):
                self.fields[name].offer(self.user)  # type: ignore[attr-defined]
