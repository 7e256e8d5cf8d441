"""The organization of a sync, chosen by its name where the connection's enterprise tells names, or entered as an id."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from common.patterns import validate_org_id
from connections.models import Organization
from syncs.models import DevinSync
from syncs.organizations import id_of
from theme.widgets import Suggestions, TypeaheadText

MOST_SUGGESTED = 1000
HELP = (
    "Its ID: “org-”, then letters, digits, “-” or “_”. Devin shows it in the settings of the organization. "
    "Where the connection knows its organizations, the name does too."
)


class ChoosesOrganization(forms.ModelForm[DevinSync]):
    """For forms with the fields `connection` and `org_id`, in this order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        widget = self.fields["org_id"].widget if "org_id" in self.fields else None
        if isinstance(widget, TypeaheadText):
            widget.suggest = self._suggest
            self.fields["org_id"].help_text = HELP

    def clean_org_id(self) -> str:
        """Judged here, so that nobody is asked about the secrets of an organization whose id is none."""
        org_id = id_of(self.cleaned_data.get("connection"), str(self.cleaned_data["org_id"]))
        validate_org_id(org_id)
        return org_id

    def _suggest(self, entered: str) -> Suggestions:
        field, chosen = self.fields["connection"], self["connection"].value()
        try:
            connection = field.to_python(chosen) if isinstance(field, forms.ModelChoiceField) else None
        except forms.ValidationError:
            connection = None
        return suggest_organizations(Organization.objects.filter(connection=connection))


def suggest_organizations(rows: QuerySet[Organization], text: str = "") -> Suggestions:
    """Those of the rows that are there, by their ids and what they are called; with `text` in either, where given."""
    known = rows.filter(Q(name__icontains=text) | Q(org_id__icontains=text), gone_at=None)
    found = list(known.values_list("org_id", "name")[: MOST_SUGGESTED + 1])
    left_out = known.count() - MOST_SUGGESTED if len(found) > MOST_SUGGESTED else 0
    return Suggestions([(org_id, name or org_id) for org_id, name in found[:MOST_SUGGESTED]], left_out)
