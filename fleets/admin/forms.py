"""The form of a sync set: for a new one and for one that is edited."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from connections.models import Connection
from fleets.admin.suggesting import OrganizationLines
from fleets.choices import Selection
from fleets.editing import EDITABLE, SELECTION, WAVES, check_set
from fleets.models import SyncSet
from fleets.selecting import is_id
from sources.choosing import Asking, places_of
from sources.registry import kind_of
from syncs.access import projects_for
from syncs.admin.form_fields import DevinConnectionField, NameField, ProjectFolderField, usable_connections
from syncs.admin.forms import OptionsForm, explain_tags
from syncs.admin.readable import readable_places
from syncs.choices import Strangers
from syncs.errors import EditRefused
from syncs.options import OPTIONS
from vault.models import Project

LINES = ("chosen", "exceptions", "canaries")
OWN = ("name", "description", "is_enabled", "connection", "below", *SELECTION, *WAVES)


class SetForm(forms.ModelForm[SyncSet]):
    name = NameField()
    folder = ProjectFolderField()
    connection = DevinConnectionField()
    # What the person saw when they opened the page.
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = SyncSet
        fields = [*OWN, *OPTIONS]
        error_messages = OptionsForm.Meta.error_messages
        widgets = {
            **OptionsForm.Meta.widgets,
            **dict.fromkeys(LINES, OrganizationLines),
            "selection": forms.RadioSelect(choices=Selection.choices),
        }

    # Whose form it is: what it offers is what they may choose.
    user: Any = None
    # Of a new set: the project that it is to be in.
    project: Project | None = None
    # To look at which organizations it takes, not to save it.
    is_preview = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.project is not None:
            self.instance.project = self.project
        self.fields["seen_version"].initial = self.instance.version
        self._offer()
        explain_tags(self, self.instance.project)
        for name in LINES:
            if name in self.initial:
                self.initial[name] = self._named(self.initial[name])
            if name in self.fields and isinstance(widget := self.fields[name].widget, OrganizationLines):
                widget.project = self.instance.project
        if self.instance._state.adding:
            self.initial.setdefault("strangers", Strangers.ASK)

    def _offer(self) -> None:
        """What may be chosen, and in any case what is chosen now."""
        project, now = self.instance.project, self.instance.source if not self.instance._state.adding else None
        if isinstance(connection := self.fields.get("connection"), DevinConnectionField):
            usable = usable_connections(self.user, project).values("pk")
            connection.queryset = Connection.objects.filter(Q(pk__in=usable) | Q(pk=self.instance.connection_id))
            if self.instance._state.adding and len(only := list(connection.queryset[:2])) == 1:
                self.initial.setdefault("connection", only[0].pk)
        if not isinstance(folder := self.fields.get("folder"), ProjectFolderField):
            return
        listing = readable_places(self.user, project, places_of(project, Asking(never=self.is_bound)))
        if now is not None:
            self.initial["folder"] = now.place.folder_id or str(now)
        folder.offer(listing)
        if listing.problem and kind_of(project).is_remote:
            folder.help_text = listing.problem

    def _named(self, text: str) -> str:
        """Ids with the names that people know, where one organization alone has the name."""
        lines = text.split("\n") if text else []
        rows = self.instance.connection.organizations.exclude(name="") if self.instance.connection_id else []
        names = {row.org_id: row.name for row in rows}
        unique = {name for name in names.values() if list(names.values()).count(name) == 1 and not is_id(name)}
        return "\n".join(names[line] if names.get(line) in unique else line for line in lines)

    def is_valid(self) -> bool:
        return super().is_valid() and not self.is_preview

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.instance._state.adding and cleaned.get("seen_version") != self.instance.version:
            raise ValidationError(
                "Somebody else saved this set after you opened this page. Your entries still stand below; load the "
                "page anew to see theirs, then enter yours again."
            )
        return cleaned

    def _post_clean(self) -> None:
        """The place is no column that the form could set; names become ids."""
        source = self.cleaned_data.pop("folder", None)
        super()._post_clean()  # type: ignore[misc]
        if source is not None:
            self.instance.source = self.cleaned_data["source"] = source
        if "connection" in self.errors:
            # Names of organizations are those of a connection.
            return
        try:
            check_set(self.instance, {*self.cleaned_data} & {*EDITABLE})
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]
        except EditRefused as refused:
            self.add_error(refused.field or None, refused.message)
        self.cleaned_data |= {name: getattr(self.instance, name) for name in LINES if name in self.cleaned_data}

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"folder"}

    def to_save(self) -> dict[str, Any]:
        """The fields that this form has, as the edit is to leave them."""
        return {name: self.cleaned_data[name] for name in EDITABLE if name in self.cleaned_data}


class ProjectForm(forms.Form):
    """The first question of a new set."""

    project = forms.ModelChoiceField(
        queryset=Project.objects.none(),
        empty_label="Choose a project",
        error_messages={"required": "Choose a project.", "invalid_choice": "Choose one of the list."},
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["project"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = projects_for(user).order_by("name")


class LimitsForm(forms.Form):
    """What a person says otherwise for one organization."""

    guard_max_deletions = forms.IntegerField(min_value=0, max_value=100_000, required=False)
    guard_max_percent = forms.IntegerField(min_value=0, max_value=100, required=False)
    reconcile_minutes = forms.IntegerField(min_value=0, max_value=7 * 24 * 60, required=False)
    disable_secret_deletion = forms.NullBooleanField(
        required=False, widget=forms.Select(choices=[("", "As the set says"), ("true", "Yes"), ("false", "No")])
    )

    def __init__(self, *args: Any, each: SyncSet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            column = SyncSet._meta.get_field(name)
            field.label = str(column.verbose_name).capitalize()  # type: ignore[union-attr]
            if name != "disable_secret_deletion":
                field.help_text = f"The set says {getattr(each, name)}."
