"""Projects that are kept elsewhere, and what was last seen of them. Names and times; never a value."""

from typing import Self
from uuid import uuid4

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models

from connections.models import Connection
from sources.errors import PlaceMissing
from vault.models import Project

POLL_SECONDS = 60


class LinkedProject(models.Model):
    """Where a project is kept: behind a connection, under what the source calls it."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="link")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="linked_projects")
    remote_id = models.CharField("project ID in the source", max_length=255)
    remote_slug = models.CharField("slug in the source", max_length=255, blank=True)
    remote_name = models.CharField("name in the source", max_length=255, blank=True)

    poll_seconds = models.PositiveIntegerField(
        "look for changes every, in seconds",
        default=POLL_SECONDS,
        validators=[MaxValueValidator(86400)],
        help_text="Rarer while nothing changes. 0: never; then only its messages and the syncs' own schedule help.",
    )
    next_poll_at = models.DateTimeField(null=True, editable=False)
    quiet_polls = models.PositiveSmallIntegerField(default=0, editable=False)

    last_read_at = models.DateTimeField("last read", null=True, editable=False)
    last_error = models.CharField(max_length=1024, blank=True, editable=False)
    last_error_at = models.DateTimeField(null=True, editable=False)

    environments = models.JSONField(default=list, editable=False)
    listed_at = models.DateTimeField(null=True, editable=False)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_id"], name="source_project_linked_once"),
        ]
        indexes = [models.Index(fields=["next_poll_at"])]

    def __str__(self) -> str:
        return f"{self.project} ({self.connection})"

    @classmethod
    def of(cls, project: Project) -> Self:
        """With its connection. Raises PlaceMissing if the project is not linked any more."""
        found = cls.objects.select_related("connection", "project").filter(project=project).first()
        if found is None:
            raise PlaceMissing(f"The project {project.slug} is not linked any more. Link it again.")
        return found


class SharedConnection(models.Model):
    """A project whose members see a connection and, where they may use connections, write through it.

    One that is shared with no project is for those alone whose rights hold in the whole installation.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="shares")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="shared_connections")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["connection", "project"], name="connection_shared_once")]

    def __str__(self) -> str:
        return f"{self.connection} with {self.project}"


class ListedFolders(models.Model):
    """The folders of an environment as its source last told them, for when it is slow to tell."""

    link = models.ForeignKey(LinkedProject, on_delete=models.CASCADE, related_name="folder_lists")
    environment_slug = models.CharField(max_length=255)
    folders = models.JSONField(default=list)
    listed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "environment_slug"], name="source_folders_listed_once")]

    def __str__(self) -> str:
        return f"{self.link} {self.environment_slug}"


class WatchedPlace(models.Model):
    """A place that syncs read: its version when it was last asked for, and where its secrets came from then."""

    link = models.ForeignKey(LinkedProject, on_delete=models.CASCADE, related_name="watched")
    environment_slug = models.CharField(max_length=255)
    path = models.CharField(max_length=1024)
    recursive = models.BooleanField()
    version = models.CharField(max_length=255, blank=True)
    # The other places that a read takes in, by imports, each as (environment, path).
    reaches = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["link", "environment_slug", "path", "recursive"], name="source_place_watched_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment_slug}:{self.path}"


class Copy(models.Model):
    """A project on its way into the vault: who wants it, how far it is, and the plan. Names and counts, no value."""

    class State(models.TextChoices):
        ASKED = "asked", "Being read"
        PLANNED = "planned", "Waits for your decision"
        CONFIRMED = "confirmed", "Being copied"
        DONE = "done", "Copied"
        FAILED = "failed", "Not copied"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    remote_id = models.CharField(max_length=255)
    remote_slug = models.CharField(max_length=255, blank=True)
    remote_name = models.CharField(max_length=255, blank=True)
    environments = models.JSONField(default=list)
    # The project of the vault: there already, or made by this copy under the name and the slug.
    into = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=64, blank=True)
    slug = models.CharField(max_length=64, blank=True)

    state = models.CharField(max_length=16, choices=State.choices, default=State.ASKED)
    plan = models.JSONField(null=True)
    digest = models.CharField(max_length=255, blank=True)
    replaces = models.BooleanField(default=False)
    leaves_out = models.BooleanField(default=False)
    # What a person should know: that the plan is another one, why nothing was copied, or what was.
    message = models.TextField(blank=True)

    step = models.CharField(max_length=255, blank=True)
    step_count = models.PositiveIntegerField(default=0)
    step_total = models.PositiveIntegerField(default=0)
    # Who carries it out, and until when nobody else does.
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]
        default_permissions = ()
        verbose_name_plural = "copies"
        indexes = [models.Index(fields=["state", "rung_at"], name="source_copies_due")]

    def __str__(self) -> str:
        return f"{self.remote_name} into the vault"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.ASKED, self.State.CONFIRMED)
