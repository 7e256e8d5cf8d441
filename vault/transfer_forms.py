"""Where secrets and folders shall go: the forms of copying and moving them."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from vault.forms import MOST_LISTED
from vault.models import VAULT, Environment, Folder, Project, Tag


class EnvironmentField(forms.ModelChoiceField[Environment]):
    """An environment of any project in this vault, listed by project or, where these are many, typed."""

    is_typed = False

    def __init__(self) -> None:
        rows = Environment.objects.filter(project__source=VAULT).select_related("project")
        super().__init__(
            rows.order_by("project__name", "project__slug", "position", "slug"),
            empty_label=None,
            error_messages={"invalid_choice": "There is no such environment. Choose another one."},
        )

    def offer(self, here: Environment) -> None:
        rows = self.queryset
        self.is_typed = rows is not None and rows[MOST_LISTED : MOST_LISTED + 1].exists()
        if self.is_typed:
            self.widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
            self.initial = f"{here.project.slug}/{here.slug}"
            self.help_text = "Type it with its project: shop/prod."
        else:
            self.initial = here.pk

    def label_from_instance(self, environment: Environment) -> str:
        return f"{environment.project.name}: {environment.name}"

    def to_python(self, value: Any) -> Any:
        project, _, slug = str(value or "").strip().partition("/")
        if not self.is_typed or not slug or self.queryset is None:
            return super().to_python(value)
        found = self.queryset.filter(project__slug=project, slug=slug).first()
        if found is None:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return found


class DestinationForm(forms.Form):
    environment = EnvironmentField()
    path = forms.CharField(max_length=1024)

    def __init__(self, data: Any = None, *, here: Folder, path: str, path_help: str) -> None:
        super().__init__(data, initial={"path": path})
        field = self.fields["environment"]
        assert isinstance(field, EnvironmentField)  # noqa: S101 - for the type checker
        field.offer(here.environment)
        self.fields["path"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        self.fields["path"].help_text = path_help


class CopyForm(DestinationForm):
    replaces = forms.BooleanField(
        label="Replace what is there",
        required=False,
        help_text="A secret of the same key gets a new version. Else it stays, and is not copied.",
    )


class MoveForm(DestinationForm):
    carries = forms.BooleanField(
        label="Change the references too",
        required=False,
        initial=True,
        help_text="Values that refer to what moves name the new place, each as a new version.",
    )


class TagForm(forms.Form):
    """Tags to put on some secrets, and to take from them."""

    add = forms.ModelMultipleChoiceField(Tag.objects.none(), required=False, widget=forms.CheckboxSelectMultiple)
    remove = forms.ModelMultipleChoiceField(Tag.objects.none(), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, data: Any = None, *, project: Project) -> None:
        super().__init__(data)
        rows: QuerySet[Tag] = Tag.objects.filter(project=project)
        for name in ("add", "remove"):
            field = self.fields[name]
            assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 - for the type checker
            field.queryset = rows

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        add, remove = set(cleaned.get("add") or ()), set(cleaned.get("remove") or ())
        if not add and not remove:
            raise ValidationError("Choose a tag to add or to remove.")
        if both := sorted(tag.slug for tag in add & remove):
            raise ValidationError(f"{', '.join(both)} can't be added and removed at once.")
        return cleaned
