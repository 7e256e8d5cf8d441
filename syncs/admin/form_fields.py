"""Form fields that the wizard and the edit form share, with messages that say what is allowed."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from common.patterns import validate_slug
from connections.models import Connection
from connections.reach import USE, within_reach
from sources.choosing import Listing, Searched
from sources.protocol import EnvironmentEntry, FolderEntry, Found
from sources.words import JOINED, name_with_source
from syncs.access import projects_for
from syncs.words import help_of
from theme.widgets import DrawnSelect, Suggestions, TypeaheadSelect, TypeaheadText
from vault.access import Place, can_within
from vault.models import Project

# A page with more choices than this takes long to load, and nobody reads them.
MOST_LISTED = 200
MOST_SUGGESTED = 50

Entry = TypeVar("Entry")


class Chosen:
    """What is no id at all is as little a choice as the id of nothing."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)  # type: ignore[misc]
        except ValidationError:
            messages: dict[str, str] = self.error_messages  # type: ignore[attr-defined]
            raise ValidationError(messages["invalid_choice"], code="invalid_choice") from None


class ProjectField(Chosen, forms.ModelChoiceField[Project]):
    """Offers what it is given to `offer`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=Project.objects.none(),
            empty_label="Choose a project",
            widget=TypeaheadSelect,
            error_messages={
                "required": "Choose a project.",
                "invalid_choice": "There is no such project any more. Choose one of the list.",
            },
            **kwargs,
        )

    def offer(self, user: Any) -> None:
        self.queryset = projects_for(user).select_related(*JOINED)

    def label_from_instance(self, obj: Project) -> str:
        return name_with_source(obj)


class EntryField(forms.ChoiceField, Generic[Entry]):
    """One entry of a list that a source told: chosen by its id or its name, or, of more than a few hundred, typed,
    with those suggested that have in them what is typed.

    `listing` says whether it is an old list, and why there is no newer one.
    """

    default_error_messages: ClassVar[dict[str, Any]] = {}
    empty_label = ""
    example = ""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=TypeaheadSelect, **kwargs)
        self.listing: Listing[Entry] = Listing([])
        self.offer(self.listing)

    def offer(self, listing: Listing[Entry]) -> None:
        self.listing = listing
        self.is_typed = len(listing.entries) > MOST_LISTED
        self.shown: Sequence[Entry] = [] if self.is_typed else listing.entries[:MOST_LISTED]
        if self.is_typed:
            self.choices, self.widget = [], TypeaheadText()
            self.widget.suggest = self.suggest
            self.help_text = f"Type it, for example {self.example}: there are {len(listing.entries)}, too many to list."
        else:
            self.choices = [("", self.empty_label), *self.grouped(self.shown)]

    def suggest(self, text: str) -> Suggestions:
        entries = self.listing.entries
        if isinstance(entries, Searched):
            first, left_out = entries.containing(text, most=MOST_SUGGESTED)
        else:
            found = [entry for entry in entries if text.lower() in self.label_of(entry).lower()]
            first, left_out = found[:MOST_SUGGESTED], max(len(found) - MOST_SUGGESTED, 0)
        return Suggestions([(label, label) for label in map(self.label_of, first)], left_out)

    def prepare_value(self, value: Any) -> Any:
        entry = self.find(str(value or ""))
        if entry is None:
            return value
        return self.label_of(entry) if self.is_typed else self.value_of(entry)

    def clean(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        entry = self.find(text)
        if entry is None:
            told = self.listing.problem or self.error_messages["invalid_choice"]
            raise ValidationError(told, code="invalid_choice")
        return entry

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.find(str(initial or "")) != self.find(str(data or ""))

    def find(self, text: str) -> Entry | None:
        if not text:
            return None
        searched = self.listing.entries if self.is_typed else self.shown
        if isinstance(searched, Searched):
            return searched.named(text)
        return next((entry for entry in searched if text in self.names_of(entry)), None)

    def grouped(self, entries: Iterable[Entry]) -> list[Any]:
        return [(self.value_of(entry), self.label_of(entry)) for entry in entries]

    def value_of(self, entry: Entry) -> str:
        """The source's id, so that a rename meanwhile does no harm, or else the name."""
        return next(name for name in self.names_of(entry) if name)

    def names_of(self, entry: Entry) -> tuple[str, str]:
        """The source's id, if it has one, and its name."""
        raise NotImplementedError

    def label_of(self, entry: Entry) -> str:
        return self.names_of(entry)[1]


class EnvironmentField(EntryField[EnvironmentEntry]):
    default_error_messages: ClassVar[dict[str, Any]] = {
        "required": "Choose an environment of the project.",
        "invalid_choice": "This project has no such environment. Choose one of the list.",
    }
    empty_label = "Choose an environment"
    example = "dev"

    def names_of(self, entry: EnvironmentEntry) -> tuple[str, str]:
        return entry.id, entry.slug

    def label_of(self, entry: EnvironmentEntry) -> str:
        return entry.slug if entry.name in ("", entry.slug) else f"{entry.name} ({entry.slug})"


class PathField(EntryField[FolderEntry]):
    """A folder of one environment, by its path."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "required": "Choose the folder whose secrets go to Devin.",
        "invalid_choice": "This environment has no such folder any more. Choose one of the list.",
    }
    empty_label = "Choose a folder"
    example = "/my-secrets"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="Secret path", **kwargs)

    def names_of(self, entry: FolderEntry) -> tuple[str, str]:
        return entry.id, entry.path


class ProjectFolderField(EntryField[Found]):
    """Any folder of one project, grouped by environment."""

    default_error_messages = PathField.default_error_messages
    empty_label = PathField.empty_label
    example = "dev:/my-secrets"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="Secret path", **kwargs)

    def grouped(self, entries: Iterable[Found]) -> list[Any]:
        by_environment = groupby(entries, key=lambda found: found.place.environment_slug)
        return [(slug, super(ProjectFolderField, self).grouped(found)) for slug, found in by_environment]

    def names_of(self, entry: Found) -> tuple[str, str]:
        return entry.place.folder_id, str(entry)


class DevinConnectionField(Chosen, forms.ModelChoiceField[Connection]):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=Connection.objects.none(),
            label="Devin connection",
            empty_label="Choose a connection",
            widget=DrawnSelect,
            error_messages={
                "required": "Choose the connection whose API key writes to Devin.",
                "invalid_choice": "There is no such Devin connection any more. Choose one of the list.",
            },
            **kwargs,
        )

    def label_from_instance(self, obj: Connection) -> str:
        return f"{obj.name} (not valid)" if obj.is_valid is False else obj.name


def usable_connections(user: Any, project: Project | None = None) -> QuerySet[Connection]:
    """Those to Devin that the person may use; of those that are shared, in this project."""
    rows = within_reach(user, USE, rows=Connection.objects.filter(app=Connection.App.DEVIN))
    if project is None or user.has_perm(USE):
        return rows
    return rows.filter(shares__project=project) if can_within(user, USE, Place(project.pk)) else rows.none()


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
