"""The forms of a copy: what to copy and where to, and the decision on its plan."""

import re
from typing import Any

from django import forms
from django.db.models import QuerySet

from connections.models import Connection
from sources.copying.copying import Choice
from sources.forms import ConnectionField, SuggestsProjects
from sources.registry import remote_kinds
from theme.widgets import TypeaheadText
from vault.models import VAULT, Project

KEEP, REPLACE = "keep", "replace"


def copying_connections() -> QuerySet[Connection]:
    """Those whose projects can be copied."""
    apps = [kind.app for kind in remote_kinds() if kind.read_contents is not None]
    return Connection.objects.filter(app__in=apps)


class CopyForm(SuggestsProjects):
    connection = ConnectionField(
        queryset=Connection.objects.none(),
        empty_label="Choose a connection",
        error_messages={
            "required": "Choose the connection that reads the project.",
            "invalid_choice": "Of this connection no project can be copied. Choose one of the list.",
        },
    )
    remote_project = forms.CharField(
        label="Project there",
        max_length=255,
        help_text="Its ID or slug in the source.",
        error_messages={"required": "Enter the project to copy."},
        widget=TypeaheadText,
    )
    environments = forms.CharField(
        required=False, max_length=4096, help_text="Slugs with spaces between them. Empty: all environments."
    )
    into = forms.ModelChoiceField(
        label="Copy into",
        queryset=Project.objects.none(),
        required=False,
        empty_label="A new project",
        help_text="Of a project that is there already nothing is deleted; you choose what becomes of what differs.",
        error_messages={"invalid_choice": "There is no such project in the vault any more. Choose one of the list."},
    )
    name = forms.CharField(
        label="Name of the new project", max_length=64, required=False, help_text="Empty: as it is called there."
    )
    slug = forms.CharField(
        label="Slug of the new project", max_length=64, required=False, help_text="Empty: made of the name."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows in (("connection", copying_connections()), ("into", Project.objects.filter(source=VAULT))):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
            field.queryset = rows

    def clean_environments(self) -> tuple[str, ...]:
        return split_slugs(self.cleaned_data["environments"])


def split_slugs(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(slug for slug in re.split(r"[\s,]+", text) if slug))


class DecisionForm(forms.Form):
    digest = forms.CharField(widget=forms.HiddenInput)
    differing = forms.ChoiceField(
        label="What differs in the vault",
        choices=[(KEEP, "Keep it as it is in the vault"), (REPLACE, "Replace it by what the source has")],
        initial=KEEP,
        required=False,
        widget=forms.RadioSelect,
    )
    leaves_out = forms.BooleanField(label="Leave out what the vault does not take", required=False)

    @property
    def choice(self) -> Choice:
        data = self.cleaned_data
        return Choice(replaces=data["differing"] == REPLACE, leaves_out=data["leaves_out"])
