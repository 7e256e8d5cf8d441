"""Where secrets and folders shall go: the forms of copying and moving them."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from vault.access import visible
from vault.forms import MOST_LISTED
from vault.models import VAULT, Environment, Folder, Project, Tag
from vault.upkeep import help_for_tags, slugs_in


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

    def offer(self, here: Environment, user: User) -> None:
        rows = self.queryset = visible(user, self.queryset or Environment.objects.none())
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

    def __init__(self, data: Any = None, *, here: Folder, user: User, path: str, path_help: str) -> None:
        super().__init__(data, initial={"path": path})
        field = self.fields["environment"]
        assert isinstance(field, EnvironmentField)  # noqa: S101 - for the type checker
        field.offer(here.environment, user)
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
    """Tags to put on some secrets, and to take from them; without `may_add` only those that are there."""

    add = forms.CharField(label="Put on them", required=False)
    remove = forms.ModelMultipleChoiceField(
        Tag.objects.none(), label="Take from them", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Any = None, *, project: Project, present: QuerySet[Tag], may_add: bool) -> None:
        super().__init__(data)
        self._project, self._may_add = project, may_add
        self.fields["add"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        self.fields["add"].help_text = help_for_tags(project)
        field = self.fields["remove"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 - for the type checker
        field.queryset = present
        if not present.exists():
            del self.fields["remove"]

    def clean_add(self) -> list[str]:
        return slugs_in(self.cleaned_data["add"], self._project, may_add=self._may_add)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        add, remove = cleaned.get("add") or [], [tag.slug for tag in cleaned.get("remove") or ()]
        if not add and not remove and not self.errors:
            raise ValidationError("Name a tag to put on them, or choose one to take from them.")
        if both := sorted(set(add) & set(remove)):
            raise ValidationError(f"{', '.join(both)} can't be put on them and taken from them at once.")
        return cleaned
