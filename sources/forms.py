"""The forms of projects that are kept elsewhere."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet

from connections.models import Connection
from sources.kinds import RemoteProject
from sources.linking import Naming
from sources.models import LinkedProject
from sources.registry import kind_for, remote_kinds
from theme.widgets import Suggestions, TypeaheadText

LONGEST_INTERVAL = 86400


def source_connections() -> QuerySet[Connection]:
    """Those that lead to a source of secrets."""
    return Connection.objects.filter(app__in=[kind.app for kind in remote_kinds()])


class ConnectionField(forms.ModelChoiceField[Connection]):
    def label_from_instance(self, obj: Connection) -> str:
        kind = kind_for(obj)
        return f"{obj.name} ({kind.label})" if kind is not None else obj.name


class PollField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        column = LinkedProject._meta.get_field("poll_seconds")
        super().__init__(
            label="Look for changes every, in seconds",
            min_value=0,
            max_value=LONGEST_INTERVAL,
            initial=column.get_default(),
            help_text=str(column.help_text),
            **kwargs,
        )


class SuggestsProjects(forms.Form):
    """Asks for a project of a connection; `suggestions` are shown for it, and work without scripts."""

    suggestions: Sequence[RemoteProject] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        widget = self.fields["remote_project"].widget
        assert isinstance(widget, TypeaheadText)  # noqa: S101
        widget.suggest = lambda text: Suggestions([(project.id, project.name) for project in self.suggestions])


class LinkForm(SuggestsProjects):
    connection = ConnectionField(
        queryset=Connection.objects.none(),
        empty_label="Choose a connection",
        error_messages={
            "required": "Choose the connection that reads the project.",
            "invalid_choice": "There is no such connection to a source any more. Choose one of the list.",
        },
    )
    remote_project = forms.CharField(
        label="Project there",
        max_length=255,
        required=False,
        widget=TypeaheadText,
    )
    name = forms.CharField(max_length=64, required=False, help_text="Empty: as it is called there.")
    slug = forms.CharField(max_length=64, required=False, help_text="Empty: as it is called there. Scripts use it.")
    poll_seconds = PollField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["connection"]
        assert isinstance(field, ConnectionField)  # noqa: S101
        field.queryset = source_connections()
        hints = [f"{kind.label}: {kind.id_hint}" for kind in remote_kinds() if kind.id_hint]
        self.fields["remote_project"].help_text = " ".join(hints)

    @property
    def naming(self) -> Naming:
        return Naming(
            name=self.cleaned_data["name"],
            slug=self.cleaned_data["slug"],
            poll_seconds=self.cleaned_data["poll_seconds"],
        )


class PollForm(forms.Form):
    poll_seconds = PollField()
