"""Projects that are kept elsewhere, and what was last seen of them. Names and times; never a value."""

from typing import Self

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
