"""The forms of the vault's pages. A value goes in and never comes back out in HTML."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.text import slugify

from common.patterns import validate_slug
from vault import rules
from vault.access import visible
from vault.errors import Invalid
from vault.keeping import Keeper
from vault.limits import LONGEST_COMMENT
from vault.models import FOLDER_NAME, KEY, Environment, Folder, Project
from vault.upkeep import UpkeepForm

MAX_TEXT_BYTES = 1024 * 1024
# A page with more choices than this takes long to load.
MOST_LISTED = 200
SLUG_HELP = "Lower-case letters, digits and single hyphens. References and scripts use it."


class WriteOnlyTextarea(forms.Textarea):
    """Shows nothing of what was entered, whatever the form holds."""

    def __init__(self, **attrs: str) -> None:
        super().__init__({"autocomplete": "off", "spellcheck": "false", "class": "ds-mono", **attrs})

    def format_value(self, value: Any) -> str:
        return ""


def unix_lines(text: str) -> str:
    """Browsers send every line end as CR LF, whatever was typed."""
    return text.replace("\r\n", "\n")


class CommentField(forms.CharField):
    """Text of several lines. Its length is counted as it is stored."""

    def __init__(self) -> None:
        super().__init__(
            max_length=LONGEST_COMMENT,
            required=False,
            widget=forms.Textarea({"rows": "3"}),
            help_text="For people. Not sent to Devin.",
        )

    def to_python(self, value: Any) -> str:
        return str(super().to_python(unix_lines(value or "")))


class ProjectForm(forms.ModelForm[Project]):
    class Meta:
        model = Project
        fields = ["name", "slug", "description"]
        help_texts = {"slug": SLUG_HELP, "description": "What it is for, in a sentence."}

    def clean_name(self) -> str:
        return _judged(rules.clean_name, self.cleaned_data["name"])

    def clean_description(self) -> str:
        return _judged(rules.clean_description, self.cleaned_data["description"])


def _judged(rule: Callable[[str], str], text: str) -> str:
    """What the vault would refuse after the form was found good, where nothing could be said at a field any more."""
    try:
        return rule(text)
    except Invalid as error:
        raise ValidationError(error.message) from None


class NewProjectForm(ProjectForm):
    environments = forms.CharField(
        initial="dev, staging, prod",
        help_text="Their slugs, separated by commas. You can add, rename and remove environments later.",
    )

    def clean_environments(self) -> list[tuple[str, str]]:
        slugs = [part.strip().lower() for part in self.cleaned_data["environments"].split(",") if part.strip()]
        for slug in slugs:
            validate_slug(slug)
            if len(slug) > 64:
                raise ValidationError("A slug has at most 64 characters.")
        if len(set(slugs)) < len(slugs):
            raise ValidationError("Name each environment once.")
        if not slugs:
            raise ValidationError("Name at least one environment.")
        return [(slug.replace("-", " ").capitalize(), slug) for slug in slugs]


RENAMES = (
    "Another slug cuts references by the old one. Syncs whose key schema holds {{environment}} rename their secrets in "
    "Devin: each is created under its new name, then the old one is deleted."
)


class EnvironmentForm(forms.Form):
    name = forms.CharField(max_length=64, help_text="As people call it: Production.")
    slug = forms.CharField(max_length=64, required=False, help_text=f"{SLUG_HELP} Left empty, the name makes it.")
    position = forms.IntegerField(min_value=0, max_value=10_000, required=False, help_text="Its place in the list.")

    @classmethod
    def of(cls, environment: Environment, data: Any = None) -> "EnvironmentForm":
        form = cls(
            data,
            initial={"name": environment.name, "slug": environment.slug, "position": environment.position},
        )
        form.fields["slug"].help_text = f"{SLUG_HELP} {RENAMES}"
        return form

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]) or slugify(self.cleaned_data.get("name", ""))


class NewFolderForm(forms.Form):
    path = forms.CharField(
        max_length=1024,
        help_text="One name, or several with slashes: services/api. Letters, digits, hyphens and underscores.",
    )
    description = forms.CharField(max_length=256, required=False)


class FolderForm(forms.Form):
    name = forms.CharField(max_length=255, validators=[FOLDER_NAME])
    description = forms.CharField(max_length=256, required=False)


class FolderField(forms.ModelChoiceField[Folder]):
    """A folder of a list or, where there are more than anybody reads, typed."""

    is_typed = False

    def offer(self, rows: QuerySet[Folder]) -> None:
        self.queryset = rows
        self.is_typed = rows[MOST_LISTED : MOST_LISTED + 1].exists()
        if self.is_typed:
            self.widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
            self.help_text = f"Type it with its environment, as in prod:/shared. {self.help_text}"

    def to_python(self, value: Any) -> Any:
        slug, _, path = str(value or "").strip().partition(":")
        if not self.is_typed or not path or self.queryset is None:
            return super().to_python(value)
        found = self.queryset.filter(environment__slug=slug, path=path).first()
        if found is None:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return found


class ImportForm(forms.Form):
    source = FolderField(
        Folder.objects.none(),
        empty_label="Choose a folder",
        error_messages={"invalid_choice": "There is no such folder that can be imported here. Correct it."},
        help_text="Its secrets will show here too. It comes last in the list, where it wins over the other imports.",
    )

    def __init__(self, folder: Folder, user: User, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["source"]
        assert isinstance(field, FolderField)  # noqa: S101 - for the type checker
        field.offer(
            visible(user, Folder.objects.filter(environment__project_id=folder.environment.project_id))
            .exclude(id=folder.id)
            .exclude(imported_by__folder=folder)
            .select_related("environment")
            .order_by("environment__position", "environment__slug", "path")
        )


class SecretForm(UpkeepForm):
    """Key, value, comment, upkeep. After an error the value is kept sealed in `kept`, so that nobody types it twice."""

    key = forms.CharField(max_length=255, validators=[KEY], help_text="Letters, digits, _, - and dots: DB_URL.")
    value = forms.CharField(required=False, strip=False, widget=WriteOnlyTextarea(rows="4"))
    is_literal = forms.BooleanField(
        label="No references",
        required=False,
        help_text="Takes the value as it is, as a template needs it: ${…} in it is text.",
    )
    comment = CommentField()
    kept = forms.CharField(required=False, widget=forms.HiddenInput)

    field_order = ["key", "value", "is_literal", "comment", *UpkeepForm.upkeep_names]
    data: QueryDict

    def __init__(self, data: QueryDict | None = None, *, keeper: Keeper, **kwargs: Any) -> None:
        super().__init__(data.copy() if data else None, **kwargs)
        self._keeper = keeper
        self.fields["key"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        self.fields["value"].help_text = (
            "Another secret can be used within it: ${KEY} of this folder, ${prod.KEY}, ${prod.folder.KEY}. "
            "For the text itself write $${…}."
        )

    def value_entered(self) -> str | None:
        """What was typed, now or before the last error; None if nothing was."""
        if typed := unix_lines(self.data.get("value", "")):
            return typed
        before = self._keeper.open(self.data.get("kept", ""))
        return before if isinstance(before, str) else None

    def keep_value(self) -> None:
        """For showing the form again."""
        value = self.value_entered()
        if value is not None:
            self.data["kept"] = self._keeper.keep(value)
            # On the bound field: it has copied the field's own text when the form was checked.
            self["value"].help_text = "The value you entered is kept, sealed. Leave this empty to use it."

    def as_typed(self) -> dict[str, Any]:
        """What was sent, but for the value, to be shown in another form that judges nothing yet."""
        fields = ((name, field) for name, field in self.fields.items() if name not in ("value", "kept", "is_shown"))
        return {name: field.widget.value_from_datadict(self.data, {}, name) for name, field in fields}

    def put_value(self, value: str, said: str = "The value you entered is kept, sealed.") -> None:
        """Into a form that was not sent."""
        self.initial["kept"] = self._keeper.keep(value)
        self.fields["value"].help_text = said


class EditSecretForm(SecretForm):
    is_emptied = forms.BooleanField(label="Make the value empty", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)
    is_shown = forms.CharField(required=False, widget=forms.HiddenInput)

    field_order = ["key", "value", "is_emptied", "is_literal", "comment", *UpkeepForm.upkeep_names]

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["value"].help_text = "Leave empty to keep the value as it is."

    def value_entered(self) -> str | None:
        if self.data.get("is_emptied"):
            return ""
        entered = super().value_entered()
        return "" if entered is None and self.data.get("is_shown") else entered

    def keep_value(self) -> None:
        super().keep_value()
        # The value is not shown again, so an empty field says nothing any more.
        self.data["is_shown"] = ""

    def show_value(self, value: str) -> None:
        """To whoever has just revealed it, in a form that was not sent."""
        self.fields["value"].widget = forms.Textarea(self.fields["value"].widget.attrs)
        self.fields["value"].help_text = "The value as it is stored. What you leave here is saved, also nothing."
        self.initial.update(value=value, is_shown="yes")


class DotenvForm(forms.Form):
    text = forms.CharField(
        label="Text",
        required=False,
        strip=False,
        widget=WriteOnlyTextarea(rows="12", placeholder="DB_URL=postgres://…\nAPI_KEY='…'"),
    )
    file = forms.FileField(label="Or a file", required=False, help_text="A .env file of at most 1 MiB.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        upload = cleaned.get("file")
        text = cleaned.get("text") or ""
        if self.has_error("file"):
            return cleaned
        if bool(upload) == bool(text.strip()):
            raise ValidationError({"text": "Paste text or choose a file: one of the two."})
        entered = "file" if upload else "text"
        if (upload.size if upload else len(text)) > MAX_TEXT_BYTES:
            raise ValidationError({entered: "This is more than 1 MiB. Split it, and add one part after the other."})
        cleaned["content"] = _decode(upload.read()) if upload else text
        return cleaned


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        # The decoder's error holds the data.
        told = "The file is not UTF-8 text. Save it as UTF-8, then choose it again."
        raise ValidationError({"file": told}) from None
