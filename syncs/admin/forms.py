"""The forms of a sync: one for each step of the wizard, and the edit form with the same fields and messages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from sources.choosing import USUAL, Asking, Listing, environments_of, folders_of
from sources.protocol import ROOT, EnvironmentEntry, FolderEntry, Found, Place
from sources.registry import kind_of
from syncs.access import projects_for
from syncs.admin.choosing_organization import ChoosesOrganization
from syncs.admin.form_fields import (
    DevinConnectionField,
    EntryField,
    EnvironmentField,
    NameField,
    PathField,
    ProjectField,
    usable_connections,
)
from syncs.admin.readable import readable_environments, readable_folders
from syncs.choices import InitialSyncBehavior
from syncs.editing.rules import check_folders_can_be_joined, check_has_tags, check_name_is_free, no_tags_in
from syncs.errors import EditRefused
from syncs.models import DevinSync
from syncs.options import OPTIONS
from theme.widgets import TypeaheadText
from vault.models import Project

# What the pages lay out by hand; every other option stands under "More options".
LAID_OUT = (
    "initial_sync_behavior",
    "key_schema",
    "only_keys",
    "except_keys",
    "only_tags",
    "except_tags",
    "key_renames",
    "auto_sync_enabled",
    "recursive",
    "disable_secret_deletion",
    "strangers",
)
KEY_LINES = ("only_keys", "except_keys", "only_tags", "except_tags", "key_renames")
MORE_OPTIONS = tuple(name for name in OPTIONS if name not in LAID_OUT)
ORG_ID_ERRORS = {"required": "Enter the organization ID. It starts with “org-”."}


class SourceForm(forms.Form):
    """`asking` says how far to go for the lists of a source that is elsewhere. Offers what the user may read."""

    project = ProjectField()
    environment = EnvironmentField()
    folder = PathField()

    def __init__(self, *args: Any, user: Any, asking: Asking = USUAL, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = self.fields["project"]
        assert isinstance(projects, ProjectField)  # noqa: S101
        projects.offer(user)
        project = self._chosen("project", only=[row.pk for row in projects_for(user)[:2]])
        if not isinstance(project, Project):
            return
        environments = readable_environments(user, project, environments_of(project, asking))
        self._offer("environment", environments)
        environment = self._chosen("environment", only=[entry.id or entry.slug for entry in environments.entries])
        if not isinstance(environment, EnvironmentEntry):
            return
        folders = readable_folders(user, project, environment.slug, folders_of(project, environment.slug, asking))
        self._offer("folder", folders)
        # The folder that there always is.
        self._chosen("folder", only=[ROOT])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        return cleaned | ({"source": self.chosen_source} if not self.errors else {})

    def _offer(self, name: str, listing: Listing[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, EntryField)  # noqa: S101
        field.offer(listing)

    def _chosen(self, name: str, *, only: list[Any]) -> object:
        """What is chosen now; in a form that nobody has submitted yet, the one there is to choose."""
        given = self.data.get(self.add_prefix(name)) if self.is_bound else self.initial.get(name)
        try:
            return self.fields[name].clean(given)
        except ValidationError:
            if self.is_bound or len(only) != 1:
                return None
        return self._preset(name, only[0])

    def _preset(self, name: str, value: Any) -> object:
        field = self.fields[name]
        try:
            chosen = field.clean(value)
        except ValidationError:
            return None
        self.initial[name] = field.value_of(chosen) if isinstance(field, EntryField) else value
        return chosen

    @property
    def chosen_project(self) -> Project | None:
        project = self._chosen("project", only=[])
        return project if isinstance(project, Project) else None

    @property
    def chosen_source(self) -> Found | None:
        environment, folder = self._chosen("environment", only=[]), self._chosen("folder", only=[])
        if not isinstance(environment, EnvironmentEntry) or not isinstance(folder, FolderEntry):
            return None
        return Found(Place(environment.slug, folder.path, folder.id), environment)


class DestinationForm(ChoosesOrganization):
    """Offers the connections that the user may use for a sync of the project."""

    connection = DevinConnectionField()

    def __init__(self, *args: Any, user: Any, project: Project | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["connection"]
        assert isinstance(field, DevinConnectionField)  # noqa: S101
        field.queryset = usable_connections(user, project)

    class Meta:
        model = DevinSync
        fields = ["connection", "org_id"]
        error_messages = {"org_id": ORG_ID_ERRORS}
        widgets = {"org_id": TypeaheadText}


class OptionsForm(forms.ModelForm[DevinSync]):
    class Meta:
        model = DevinSync
        fields = OPTIONS
        error_messages = {
            "initial_sync_behavior": {
                "invalid_choice": "Only “Overwrite destination secrets” is possible: Devin never gives a value back."
            }
        }
        widgets = {
            "initial_sync_behavior": forms.RadioSelect(choices=InitialSyncBehavior.choices),
            "key_schema": forms.TextInput(
                attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "{{secretKey}}"}
            ),
        }

    def __init__(self, *args: Any, source: Mapping[str, Any] = {}, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What the first step of the wizard answered.
        self.source = source
        if source:
            explain_tags(self, source["project"])

    @property
    def more_options(self) -> list[forms.BoundField]:
        return [self[name] for name in MORE_OPTIONS]

    @property
    def key_lines(self) -> list[forms.BoundField]:
        return [self[name] for name in KEY_LINES]

    @property
    def has_key_lines(self) -> bool:
        return any(field.value() or field.errors for field in self.key_lines)

    @property
    def has_key_errors(self) -> bool:
        return any(self[name].errors for name in ("key_schema", *KEY_LINES))

    @property
    def boxes(self) -> list[str]:
        """The options that are ticked or not."""
        return [name for name, field in self.fields.items() if isinstance(field, forms.BooleanField)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.source:
            tags = {name: cleaned.get(name, "") for name in ("only_tags", "except_tags")}
            sync = DevinSync(project=self.source["project"], recursive=bool(cleaned.get("recursive")), **tags)
            with said_at_field(self):
                check_has_tags(sync, sync.project)
                if sync.recursive:
                    sync.source = self.source["source"]
                    check_folders_can_be_joined(sync)
        return cleaned


def explain_tags(form: forms.BaseForm, project: Project) -> None:
    """A source that has none says so at the fields that would choose by them."""
    kind = kind_of(project)
    for name in () if kind.has_tags else ("only_tags", "except_tags"):
        if name in form.fields:
            form.fields[name].help_text = no_tags_in(kind)


@contextmanager
def said_at_field(form: forms.BaseForm) -> Iterator[None]:
    """What an edit refuses, as an error of the field at fault."""
    try:
        yield
    except EditRefused as refused:
        form.add_error(refused.field or None, refused.message)


class DetailsForm(forms.ModelForm[DevinSync]):
    name = NameField()

    class Meta:
        model = DevinSync
        fields = ["name", "description", "is_enabled"]

    def __init__(self, *args: Any, project: Project | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        with said_at_field(self):
            if self.project is not None:
                check_name_is_free(name, self.project)
        return name


class ReviewForm(forms.Form):
    """`plan` names the plan that the page showed; `confirm` is the person's word on what it destroys."""

    plan = forms.CharField(widget=forms.HiddenInput, required=False)
    confirm = forms.BooleanField(required=False)
