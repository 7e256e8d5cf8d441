"""Sync sets, and the organizations in them."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from common.patterns import SLUG_RULE, validate_org_id, validate_slug
from connections.models import Connection
from fleets.choices import (
    Cause,
    MissingFolder,
    NewOrganizations,
    RolloutState,
    Selection,
    State,
    StepState,
    WhenLeft,
)
from fleets.selecting import LONGEST_TEXT, normal_lines
from fleets.slugs import ORGANIZATION, fill
from syncs.key_schema import LONGEST_SCHEMA, validate_key_schema
from syncs.models import DevinSync
from syncs.options import KeyLinesField, SyncOptions
from syncs.organizations import NamesOrganization
from syncs.places import ReadsPlace, ReadsPlaceQuerySet
from vault.errors import Invalid
from vault.models import Environment, Folder, Project
from vault.rules import clean_path

LONGEST_NAME = 128


class OrganizationLinesField(KeyLinesField):
    """Organizations by id, name or pattern of names, a line each."""

    normalize = staticmethod(normal_lines)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"max_length": LONGEST_TEXT} | kwargs))


def validate_schema_of_set(text: str) -> None:
    """A key schema in which the organization may stand too. Raises ValidationError."""
    validate_key_schema(fill(text, "organization"))


def validate_below(text: str) -> None:
    """A path below the folder of the set. Raises ValidationError."""
    try:
        clean_path("/" + fill(text, "organization"))
    except Invalid as error:
        raise ValidationError(str(error)) from None


class SyncSetQuerySet(ReadsPlaceQuerySet["SyncSet"]):
    def due(self) -> Self:
        """Those whose organizations are to be looked at again."""
        return self.filter(generate_due_at__lte=timezone.now())


class SyncSet(ReadsPlace, SyncOptions):
    """Makes a sync for each of many organizations that one connection reaches."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=LONGEST_NAME,
        validators=[validate_slug],
        help_text=f"{SLUG_RULE} Unique in its project. The syncs are named after it and after their organizations.",
    )
    description = models.CharField(
        max_length=256, blank=True, help_text="What it is for, in a few words. At most 256 characters."
    )
    is_enabled = models.BooleanField(
        "enabled", default=True, help_text="None of the syncs of a disabled set runs, for no trigger at all."
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="sync_sets")
    environment = models.ForeignKey(Environment, null=True, on_delete=models.SET_NULL, related_name="sync_sets")
    folder = models.ForeignKey(Folder, null=True, on_delete=models.SET_NULL, related_name="sync_sets")
    below = models.CharField(
        "path below the folder",
        max_length=255,
        blank=True,
        validators=[validate_below],
        help_text=(
            f"Empty: each organization gets the folder itself. {ORGANIZATION}: each has a folder of its own below it, "
            "named like the organization in lower-case letters and digits, joined by hyphens: Acme Corp is acme-corp."
        ),
    )
    missing_folder = models.CharField(
        "organization without a folder",
        max_length=8,
        choices=MissingFolder.choices,
        default=MissingFolder.SKIP,
        help_text="What becomes of an organization that has no folder of its own.",
    )

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="sync_sets")
    selection = models.CharField("organizations", max_length=8, choices=Selection.choices, default=Selection.ALL)
    chosen = OrganizationLinesField(
        "which ones",
        help_text="A line each: names or IDs, or patterns of names such as acme-*.",
    )
    exceptions = OrganizationLinesField(
        "except", help_text="Organizations that the set leaves out, a line each: names, IDs or patterns."
    )
    new_organizations = models.CharField(
        "a new organization",
        max_length=8,
        choices=NewOrganizations.choices,
        default=NewOrganizations.AT_ONCE,
        help_text="What becomes of one that matches from now on.",
    )
    when_left = models.CharField(
        "an organization that matches no more",
        max_length=8,
        choices=WhenLeft.choices,
        default=WhenLeft.PAUSE,
        help_text="Secrets are removed by themselves of a few organizations at a time only; more wait for a person.",
    )

    canaries = OrganizationLinesField(
        "canary organizations", help_text="Names or IDs, a line each. A change reaches these first, then the others."
    )
    wave_size = models.PositiveIntegerField(
        "organizations a wave",
        default=0,
        validators=[MaxValueValidator(100_000)],
        help_text="How many organizations a change reaches at a time, after the canaries. 0: all that are left.",
    )
    max_failures = models.PositiveIntegerField(
        "failures in a wave",
        default=0,
        validators=[MaxValueValidator(100_000)],
        help_text="If more runs of a wave than this fail or are blocked, the next wave waits for a person.",
    )

    key_schema = models.CharField(
        max_length=LONGEST_SCHEMA,
        blank=True,
        validators=[validate_schema_of_set],
        help_text=(
            f"How keys are named in Devin, for example PROD_{{{{secretKey}}}}. As of a sync; {ORGANIZATION} may stand "
            "in it too."
        ),
    )

    generate_due_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    # Why its organizations could not be looked at, "" if they could.
    message = models.CharField(max_length=1024, blank=True, default="", db_default="", editable=False)
    # When a person asked what a run of each organization would do: those are planned whose own plan is older.
    plans_asked_at = models.DateTimeField(null=True, editable=False)
    # It is being deleted, and goes once the secrets of all its organizations are removed.
    is_ending = models.BooleanField(default=False, db_default=False, editable=False)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, editable=False, related_name="+"
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SyncSetQuerySet.as_manager()

    class Meta:
        verbose_name = "sync set"
        ordering = ["name"]
        # The rights of syncs at its place are those of a set.
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                name="sync_set_name_unique_in_project",
                violation_error_message="This project already has a sync set of that name.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:fleets_syncset_change", args=[self.pk])

    @property
    def goes_in_waves(self) -> bool:
        """Whether a change reaches some organizations before others."""
        return bool(self.canaries or self.wave_size)

    @property
    def has_own_folders(self) -> bool:
        return ORGANIZATION in self.below

    @property
    def told_path(self) -> str:
        """`/orgs/{{organization}}`"""
        return self.path_for(ORGANIZATION)

    def path_for(self, slug: str) -> str:
        """Where the secrets of an organization are."""
        below = fill(self.below, slug).strip("/")
        return f"{self.path.rstrip('/')}/{below}" if below else self.path


class Member(NamesOrganization):
    """An organization in a set, with its sync."""

    # Of a sync, what a person may say otherwise for this organization alone.
    OVERRIDABLE: ClassVar[tuple[str, ...]] = (
        "is_enabled",
        "disable_secret_deletion",
        "reconcile_minutes",
        "guard_max_deletions",
        "guard_max_percent",
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    set = models.ForeignKey(SyncSet, on_delete=models.CASCADE, related_name="members")
    org_id = models.CharField("organization ID", max_length=128, validators=[validate_org_id])
    # Given once, so that no rename leads to another folder.
    slug = models.CharField(max_length=128)
    sync = models.OneToOneField(DevinSync, null=True, on_delete=models.SET_NULL, related_name="member")
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    message = models.CharField(max_length=1024, blank=True)
    # Its sync is still to be made, or to be made like the set.
    is_behind = models.BooleanField(default=True, editable=False)
    overrides = models.JSONField(default=dict, blank=True)
    # What a run would have done when it was last planned: how many of each sort of change, or why that is not known.
    planned = models.JSONField(null=True, editable=False)
    planned_at = models.DateTimeField(null=True, editable=False)
    joined_at = models.DateTimeField("joined", default=timezone.now)
    left_at = models.DateTimeField("left", null=True)

    class Meta:
        verbose_name = "organization of a sync set"
        ordering = ["slug"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["set", "org_id"], name="one_member_an_organization"),
            models.UniqueConstraint(fields=["set", "slug"], name="member_slug_unique_in_set"),
            models.CheckConstraint(condition=~Q(slug=""), name="member_has_a_slug"),
        ]

    def __str__(self) -> str:
        return f"{self.set}: {self.organization}"

    @property
    def connection_id(self) -> uuid.UUID:
        """By which the organization is reached."""
        return self.set.connection_id

    @property
    def is_paused(self) -> bool:
        """Whether a person has paused this organization alone."""
        return self.overrides.get("is_enabled") is False


class Rollout(models.Model):
    """A change on its way to the organizations of a set, wave by wave."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    set = models.ForeignKey(SyncSet, on_delete=models.CASCADE, related_name="rollouts")
    state = models.CharField(max_length=16, choices=RolloutState.choices, default=RolloutState.RUNNING)
    cause = models.CharField(max_length=16, choices=Cause.choices)
    # Which wave has its turn, from 0, of how many.
    wave = models.PositiveIntegerField(default=0)
    waves = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=1024, blank=True, help_text="Why it stopped or ended.")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField("started", default=timezone.now)
    ended_at = models.DateTimeField("ended", null=True)

    class Meta:
        ordering = ["-started_at"]
        # The rights to run syncs at the place of its set are those of a rollout.
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["set"],
                condition=Q(state__in=(RolloutState.RUNNING, RolloutState.STOPPED)),
                name="one_open_rollout_a_set",
            )
        ]
        indexes = [models.Index(fields=["set", "-started_at"]), models.Index(fields=["ended_at"])]

    def __str__(self) -> str:
        return f"Rollout of {self.set}"

    @property
    def is_open(self) -> bool:
        return self.state in (RolloutState.RUNNING, RolloutState.STOPPED)


class RolloutStep(models.Model):
    """The turn of one organization in a rollout, with the run that is to bring the change."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="steps")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="steps")
    wave = models.PositiveIntegerField()
    run_id = models.UUIDField(null=True, editable=False)
    state = models.CharField(max_length=16, choices=StepState.choices, default=StepState.WAITING)

    class Meta:
        ordering = ["wave", "pk"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["rollout", "member"], name="one_turn_in_a_rollout")]

    def __str__(self) -> str:
        return f"Wave {self.wave + 1}: {self.member}"
