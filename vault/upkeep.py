"""The fields of a secret's form that are for people: whom to ask, when a new value is due, words to find it by."""

from functools import partial
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q

from theme.widgets import Suggestions, TypeaheadText
from vault.access.models import Membership
from vault.editing import Upkeep
from vault.errors import Invalid
from vault.limits import LONGEST_OWNER
from vault.models import Project, Secret, Tag
from vault.rotation import AHEAD, LONGEST_DAYS
from vault.rules import clean_owner, clean_slug

MOST_SUGGESTED = 200
TAGS_NAMED = 12


def suggest_owners(text: str, *, project: Project | None = None) -> Suggestions:
    """All people; in a project that has members, these alone, for they need not know of the others."""
    rows = User.objects.filter(is_active=True).order_by("username")
    if project is not None and (members := Membership.objects.filter(project=project)).exists():
        rows = rows.filter(Q(memberships__in=members) | Q(groups__memberships__in=members)).distinct()
    people = list(rows[: MOST_SUGGESTED + 1])
    choices = [(one.get_username(), one.get_full_name() or one.get_username()) for one in people[:MOST_SUGGESTED]]
    return Suggestions(choices, max(rows.count() - MOST_SUGGESTED, 0) if len(people) > MOST_SUGGESTED else 0)


class OwnerInput(TypeaheadText):
    suggest = staticmethod(suggest_owners)


def slugs_in(text: str, project: Project, *, may_add: bool) -> list[str]:
    """The tags that a person has typed, separated by commas."""
    try:
        slugs = list(dict.fromkeys(clean_slug(part) for part in text.split(",") if part.strip()))
    except Invalid as error:
        raise ValidationError(error.message.replace("slug", "tag")) from None
    known = set(Tag.objects.filter(project=project, slug__in=slugs).values_list("slug", flat=True))
    if not may_add and (unknown := [slug for slug in slugs if slug not in known]):
        raise ValidationError(f"There is no tag {unknown[0]} yet. New ones take the permission vault.add_tag.")
    return slugs


def help_for_tags(project: Project) -> str:
    slugs = list(Tag.objects.filter(project=project).values_list("slug", flat=True)[: TAGS_NAMED + 1])
    there = ", ".join(slugs[:TAGS_NAMED]) + (" and others" if len(slugs) > TAGS_NAMED else "")
    return "Words to find it by, separated by commas: payments, third-party." + (f" In use: {there}." if there else "")


class UpkeepForm(forms.Form):
    """`project` is whose tags there are; without `may_add_tags` no other may be named."""

    tags = forms.CharField(required=False)
    owner = forms.CharField(
        max_length=LONGEST_OWNER,
        required=False,
        widget=OwnerInput,
        help_text="Whom to ask for a new value: a person here, an address, a team.",
    )
    rotate_by = forms.DateField(
        label="Rotate by",
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text=f"It shows as due from {AHEAD.days} days before. A new value then clears the date.",
    )
    rotate_days = forms.IntegerField(
        label="Rotate every … days",
        min_value=1,
        max_value=LONGEST_DAYS,
        required=False,
        help_text="Counted from the day on which a value was entered. With a date as well, the earlier one counts.",
    )

    upkeep_names = ("tags", "owner", "rotate_by", "rotate_days")

    def __init__(self, *args: Any, project: Project, may_add_tags: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._project, self._may_add_tags = project, may_add_tags
        self.fields["tags"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        self.fields["tags"].help_text = help_for_tags(project)
        widget = self.fields["owner"].widget
        assert isinstance(widget, OwnerInput)  # noqa: S101
        widget.suggest = partial(suggest_owners, project=project)

    @staticmethod
    def initial_of(secret: Secret) -> dict[str, object]:
        now = Upkeep.of(secret)
        days = now.every_days or None
        return {"tags": ", ".join(now.tags), "owner": now.owner, "rotate_by": now.rotate_by, "rotate_days": days}

    def clean_tags(self) -> list[str]:
        return slugs_in(self.cleaned_data["tags"], self._project, may_add=self._may_add_tags)

    def clean_owner(self) -> str:
        try:
            return clean_owner(self.cleaned_data["owner"])
        except Invalid as error:
            raise ValidationError(error.message) from None

    @property
    def upkeep(self) -> Upkeep:
        given = self.cleaned_data
        return Upkeep(given["owner"], given["rotate_by"], given["rotate_days"], tuple(sorted(given["tags"])))

    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name not in self.upkeep_names]

    def upkeep_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.upkeep_names]

    @property
    def shows_upkeep(self) -> bool:
        """Whether there is anything in these fields, or wrong with it."""
        return any(field.value() or field.errors for field in self.upkeep_fields())
