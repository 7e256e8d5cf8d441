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

    def offer(self, project: Project) -> None:
        self.queryset = (
            Folder.objects.filter(environment__project=project)
            .select_related("environment")
            .order_by("environment__position", "environment__slug", "path")
        )


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
