"""Editing a sync: the same fields and messages as in the wizard, nobody's edit lost, and a question about the secrets
that stay behind when the organization changes.
"""

from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.urls import reverse

from connections.models import Connection
from sources.choosing import Asking, places_of
from sources.registry import kind_of
from syncs.admin.choosing_organization import ChoosesOrganization
from syncs.admin.form_fields import DevinConnectionField, NameField, ProjectFolderField, usable_connections
from syncs.admin.forms import (
    ORG_ID_ERRORS,
    OptionsForm,
    explain_tags,
    said_at_field,
)
from syncs.admin.readable import readable_places
from syncs.editing import EDITABLE, moves
from syncs.editing.rules import check_has_tags, check_name_is_free, check_stored_folders
from syncs.models import DevinSync
from syncs.options import OPTIONS
from theme.widgets import TypeaheadText

REMOVE, LEAVE = "remove", "leave"


class SyncForm(ChoosesOrganization):
    name = NameField()
    folder = ProjectFolderField()
    connection = DevinConnectionField()
    # What the person saw when they opened the page.
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    old_secrets = forms.ChoiceField(widget=forms.RadioSelect, required=False, choices=[])

    class Meta:
        model = DevinSync
        fields = ["name", "description", "is_enabled", "folder", "connection", "org_id", *OPTIONS]
        error_messages = {**OptionsForm.Meta.error_messages, "org_id": ORG_ID_ERRORS}
        widgets = {**OptionsForm.Meta.widgets, "org_id": TypeaheadText}

    # Whose form it is: what it offers is what they may choose.
    user: Any = None
    may_remove_secrets = False
    # Whether their removal asks first who one is.
    lacks_proof = False
    # Back from the review: shown again as it was sent, not saved.
    is_held = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Where the sync wrote before the edit, if that is another organization than after it.
        self.old_place: moves.Place | None = None
        self.old_secret_count = 0
        self.fields["seen_version"].initial = self.instance.version
        explain_tags(self, self.instance.project)
        if isinstance(connection := self.fields.get("connection"), DevinConnectionField):
            usable = usable_connections(self.user, self.instance.project).values("pk")
            kept = Q(pk__in=usable) | Q(pk=self.instance.connection_id)
            connection.queryset = Connection.objects.filter(kept)
        if isinstance(folder := self.fields.get("folder"), ProjectFolderField):
            self._offer(folder)

    def _offer(self, field: ProjectFolderField) -> None:
        """The places of the source, and in any case the one that is read now. A form that was sent asks nothing."""
        project = self.instance.project
        listing = readable_places(self.user, project, places_of(project, Asking(never=self.is_bound)))
        now = self.instance.source
        if now is not None:
            self.initial["folder"] = now.place.folder_id or str(now)
            if kind_of(self.instance.project).is_remote and now not in listing.entries:
                listing = replace(listing, entries=[now, *listing.entries])
        field.offer(listing)
        if now is not None and field.find(str(self.initial["folder"])) is None:
            # Another folder has the place of the one that was chosen.
            self.initial["folder"] = str(now)
        if isinstance(field.widget, TypeaheadText):
            field.widget.asks_at = reverse("admin:syncs_devinsync_places", args=[self.instance.pk])
        if listing.problem and not field.is_typed:
            field.help_text = listing.problem

    def is_valid(self) -> bool:
        return super().is_valid() and not self.is_held

    @property
    def removes_old(self) -> bool:
        """Whether what the sync wrote to the organization that it leaves is to go."""
        return self.old_place is not None and self.cleaned_data.get("old_secrets") == REMOVE

    @property
    def asks_about_old_secrets(self) -> bool:
        return self.old_secret_count > 0

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        with said_at_field(self):
            check_name_is_free(name, self.instance.project, but=self.instance)
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("seen_version") != self.instance.version:
            raise ValidationError(
                "Somebody else saved this sync after you opened this page. Your entries still stand below; "
                "load the page anew to see theirs, then enter yours again."
            )
        with said_at_field(self):
            check_stored_folders(sync := self._as_it_will_read(cleaned))
            check_has_tags(sync, sync.project)
        self._clean_destination(cleaned)
        return cleaned

    def _as_it_will_read(self, cleaned: dict[str, Any]) -> DevinSync:
        tags = {name: cleaned.get(name, "") for name in ("only_tags", "except_tags")}
        sync = DevinSync(project=self.instance.project, recursive=bool(cleaned.get("recursive")), **tags)
        if (source := cleaned.get("folder", self.instance.source)) is not None:
            sync.source = source
        return sync

    def _post_clean(self) -> None:
        """The place is no column that the form could set."""
        source = self.cleaned_data.pop("folder", None)
        super()._post_clean()  # type: ignore[misc]
        if source is not None:
            self.cleaned_data["source"] = source

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"folder"}

    def to_save(self) -> dict[str, Any]:
        """The fields that this form has, as the edit is to leave them."""
        return {name: self.cleaned_data[name] for name in EDITABLE if name in self.cleaned_data}

    def _clean_destination(self, cleaned: dict[str, Any]) -> None:
        given = {name: cleaned[name] for name in ("connection", "org_id") if cleaned.get(name)}
        old = moves.Place.of(self.instance)
        if old.is_same_organization(moves.Place.with_fields(self.instance, given)):
            return
        if problem := moves.why_it_stays(self.instance):
            raise ValidationError(problem)
        self.old_place, self.old_secret_count = old, old.secrets_of(self.instance).count()
        if self.asks_about_old_secrets:
            self._require_answer(cleaned)

    def _require_answer(self, cleaned: dict[str, Any]) -> None:
        count, org_id = self.old_secret_count, self.instance.org_id
        secrets = "secret" if count == 1 else "secrets"
        choices = [(LEAVE, f"Leave the {count} {secrets} in {org_id}; DevinSync forgets that it wrote them")]
        if self.may_remove_secrets:
            choices.insert(0, (REMOVE, f"Remove the {count} {secrets} from {org_id}"))
        field = self.fields["old_secrets"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = choices
        # The field was judged before its choices were known.
        self.errors.pop("old_secrets", None)
        answer = self.data.get(self.add_prefix("old_secrets"), "")
        if answer not in dict(choices):
            self.add_error("old_secrets", f"Choose what becomes of what this sync wrote to {org_id}.")
        cleaned["old_secrets"] = answer
