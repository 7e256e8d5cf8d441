"""Editing a sync: the same fields and messages as in the wizard, nobody's edit lost, and a question about the secrets
that stay behind when the organization changes.
"""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from syncs import runs, triggers
from syncs.choices import Operation, Status, Trigger
from syncs.fields import DevinConnectionField, NameField, ProjectFolderField, check_name_is_free
from syncs.forms import (
    OPTION_FIELDS,
    OPTION_HELP,
    OPTION_LABELS,
    ORG_ID_ERRORS,
    ORG_ID_HELP,
    OptionsForm,
    SyncModelForm,
    check_folders_can_be_joined,
)
from syncs.models import Destination, DevinSync, SyncRun, org_id_validator

REMOVE, LEAVE = "remove", "leave"


@dataclass(frozen=True)
class OldDestination:
    """Where the sync wrote before an edit, if that is another place than after it."""

    connection_id: Any
    base_url: str
    org_id: str
    secret_count: int


class SyncForm(SyncModelForm):
    name = NameField()
    folder = ProjectFolderField()
    connection = DevinConnectionField()
    # What the person saw when they opened the page.
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    old_secrets = forms.ChoiceField(widget=forms.RadioSelect, required=False, choices=[])

    class Meta:
        model = DevinSync
        fields = ["name", "description", "is_enabled", "folder", "connection", "org_id", *OPTION_FIELDS]
        labels = {**OPTION_LABELS, "org_id": "Organization ID", "is_enabled": "Enabled"}
        help_texts = {**OPTION_HELP, "org_id": ORG_ID_HELP}
        error_messages = {**OptionsForm.Meta.error_messages, "org_id": ORG_ID_ERRORS}
        widgets = OptionsForm.Meta.widgets

    may_remove_secrets = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.old_destination: OldDestination | None = None
        self.fields["seen_version"].initial = self.instance.version
        if isinstance(folder := self.fields.get("folder"), ProjectFolderField):
            folder.offer(self.instance.project)

    @property
    def asks_about_old_secrets(self) -> bool:
        return self.old_destination is not None and self.old_destination.secret_count > 0

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        check_name_is_free(name, self.instance.project, but=self.instance)
        return name

    def clean_org_id(self) -> str:
        """Judged here, so that nobody is asked about the secrets of an organization whose name is none."""
        org_id = str(self.cleaned_data["org_id"])
        org_id_validator(org_id)
        return org_id

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("seen_version") != self.instance.version:
            raise ValidationError(
                "Somebody else saved this sync after you opened this page. Your entries still stand below; "
                "load the page anew to see theirs, then enter yours again."
            )
        check_folders_can_be_joined(self, cleaned.get("folder", self.instance.folder))
        self._clean_destination(cleaned)
        return cleaned

    def _clean_destination(self, cleaned: dict[str, Any]) -> None:
        connection = cleaned.get("connection") or self.instance.connection
        org_id = cleaned.get("org_id") or self.instance.org_id
        old = self.instance.connection
        if (connection.base_url, org_id) == (old.base_url, self.instance.org_id):
            return
        if problem := why_destination_stays(self.instance):
            raise ValidationError(problem)
        managed = self.instance.managed_secrets.filter(
            destination__base_url=old.base_url, destination__org_id=self.instance.org_id
        )
        self.old_destination = OldDestination(old.pk, old.base_url, self.instance.org_id, managed.count())
        if self.asks_about_old_secrets:
            self._require_answer(cleaned)

    def _require_answer(self, cleaned: dict[str, Any]) -> None:
        assert self.old_destination is not None  # noqa: S101
        count, org_id = self.old_destination.secret_count, self.old_destination.org_id
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


def why_destination_stays(sync: DevinSync) -> str:
    """Why the destination must not change at this moment, "" if it may."""
    open_runs = SyncRun.objects.filter(sync=sync)
    if open_runs.filter(status=Status.RUNNING).exists():
        return "A run of this sync is under way. Wait until it has ended, then change the destination."
    if open_runs.filter(status=Status.PENDING, operation=Operation.REMOVE).exists():
        return "A removal of this sync's secrets is queued. Wait until it has ended, then change the destination."
    return ""


def save_edit(sync: DevinSync, form: SyncForm, *, user: Any) -> None:
    """In the transaction of the edit: the sync, what becomes of its old secrets, and the run that follows."""
    sync.version += 1
    sync.save()
    if form.old_destination is not None:
        for run in SyncRun.objects.pending().filter(sync=sync, operation=Operation.SYNC):
            runs.cancel(run.pk, "The sync's destination was changed before the run started.")
        part_with(sync, form.old_destination, answer=form.cleaned_data.get("old_secrets", ""), user=user)
    triggers.after_edit(sync, user=user)


def part_with(sync: DevinSync, old: OldDestination, *, answer: str, user: Any) -> None:
    if answer == REMOVE:
        runs.request_run(
            sync,
            trigger=Trigger.EDIT,
            operation=Operation.REMOVE,
            user=user,
            connection_id=old.connection_id,
            org_id=old.org_id,
        )
        return
    left = Destination.objects.filter(Q(base_url=old.base_url), org_id=old.org_id)
    sync.managed_secrets.filter(destination__in=left).delete()
