"""Form fields that the wizard and the edit form share, with messages that say what is allowed."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from common.patterns import validate_slug
from connections.models import Connection
from syncs.words import help_of
from vault.models import Environment, Folder, Project

# A page with more choices than this takes long to load, and nobody reads them.
MOST_LISTED = 200


class Chosen:
    """What is no id at all is as little a choice as the id of nothing."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)  # type: ignore[misc]
        except ValidationError:
            messages: dict[str, str] = self.error_messages  # type: ignore[attr-defined]
            raise ValidationError(messages["invalid_choice"], code="invalid_choice") from None


class ProjectField(Chosen, forms.ModelChoiceField[Project]):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=Project.objects.all(),
            empty_label="Choose a project",
            error_messages={
                "required": "Choose a project.",
                "invalid_choice": "There is no such project any more. Choose one of the list.",
            },
            **kwargs,
        )


class EnvironmentField(Chosen, forms.ModelChoiceField[Environment]):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=Environment.objects.none(),
            empty_label="Choose an environment",
            error_messages={
                "required": "Choose an environment of the project.",
                "invalid_choice": "This project has no such environment. Choose one of the list.",
            },
            **kwargs,
        )

    def label_from_instance(self, obj: Environment) -> str:
        return obj.name if obj.name == obj.slug else f"{obj.name} ({obj.slug})"


class PathField(Chosen, forms.ModelChoiceField[Folder]):
    """A folder of one environment, by its path."""

    example = "/my-secrets"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=Folder.objects.none(),
            label="Secret path",
            empty_label="Choose a folder",
            error_messages={
                "required": "Choose the folder whose secrets go to Devin.",
                "invalid_choice": "This environment has no such folder any more. Choose one of the list.",
            },
            **kwargs,
        )

    def label_from_instance(self, obj: Folder) -> str:
        return obj.path

    def offer(self, folders: QuerySet[Folder]) -> None:
        """As a list to choose from or, of more than a few hundred, as a path to type."""
        self.queryset = folders
        if len(folders.values_list("pk", flat=True)[: MOST_LISTED + 1]) > MOST_LISTED:
            self.widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
            self.help_text = f"Type it as it is, for example {self.example}: there are too many to list."

    @property
    def is_typed(self) -> bool:
        return isinstance(self.widget, forms.TextInput)

    def prepare_value(self, value: Any) -> Any:
        if self.is_typed and value and (folder := self._by_id(value)) is not None:
            return self.label_from_instance(folder)
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and (folder := self.by_label(value.strip())) is not None:
            return folder
        return super().to_python(value)

    def by_label(self, label: str) -> Folder | None:
        assert self.queryset is not None  # noqa: S101
        return self.queryset.filter(path=label).first() if label.startswith("/") else None

    def _by_id(self, value: Any) -> Folder | None:
        assert self.queryset is not None  # noqa: S101
        try:
            return self.queryset.filter(pk=value).first()
        except ValidationError:
            return None


class GroupedByEnvironment(forms.models.ModelChoiceIterator[Folder]):
    def __iter__(self) -> Iterator[Any]:
        yield ("", self.field.empty_label or "")
        for slug, folders in groupby(self.queryset, key=lambda folder: folder.environment.slug):
            yield (slug, [self.choice(folder) for folder in folders])


class ProjectFolderField(PathField):
    """Any folder of one project, grouped by environment."""

    iterator = GroupedByEnvironment

    def label_from_instance(self, obj: Folder) -> str:
        return f"{obj.environment.slug}:{obj.path}"

    example = "dev:/my-secrets"

    def offer_all_of(self, project: Project) -> None:
        self.offer(
            Folder.objects.filter(environment__project=project)
            .select_related("environment")
            .order_by("environment__position", "environment__slug", "path")
        )

    def by_label(self, label: str) -> Folder | None:
        assert self.queryset is not None  # noqa: S101
        slug, colon, path = label.partition(":")
        return self.queryset.filter(environment__slug=slug, path=path).first() if colon else None


class DevinConnectionField(Chosen, forms.ModelChoiceField[Connection]):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=usable_connections(),
            label="Devin connection",
            empty_label="Choose a connection",
            error_messages={
                "required": "Choose the connection whose API key writes to Devin.",
                "invalid_choice": "There is no such Devin connection any more. Choose one of the list.",
            },
            **kwargs,
        )

    def label_from_instance(self, obj: Connection) -> str:
        return f"{obj.name} (not valid)" if obj.is_valid is False else obj.name


def usable_connections() -> QuerySet[Connection]:
    return Connection.objects.filter(app=Connection.App.DEVIN)


class NameField(forms.CharField):
    """Lower-cased and trimmed before it is judged."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=256,
            validators=[validate_slug],
            help_text=help_of("name"),
            error_messages={
                "required": "Give the sync a name, for example billing-prod.",
                "max_length": "A name has at most 256 characters.",
            },
            **kwargs,
        )

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").lower()
