"""The lines of the audit log, and the head of their chain."""

from django.db import models
from django.utils import timezone


class Action(models.TextChoices):
    ADDED = "added", "Added"
    CHANGED = "changed", "Changed"
    DELETED = "deleted", "Deleted"
    ASKED = "asked", "Asked for"
    REFUSED = "refused", "Refused"
    LOGGED_IN = "logged_in", "Logged in"
    LOGGED_OUT = "logged_out", "Logged out"
    FAILED_LOG_IN = "failed_log_in", "Failed to log in"


class Entry(models.Model):
    """One thing that somebody did, or tried. Written once; the database refuses to alter or to delete it.

    `position` and `digest` are null until the scheduler has linked the line to the one before, within seconds.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.CharField("who", max_length=150)
    action = models.CharField(max_length=16, choices=Action.choices)
    kind = models.CharField("what", max_length=64, blank=True)
    object_id = models.CharField("ID", max_length=64, blank=True, db_index=True)
    name = models.CharField(max_length=200, blank=True)
    detail = models.TextField(blank=True)
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField("request", max_length=64, blank=True)
    position = models.PositiveBigIntegerField(null=True, unique=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = "entry of the audit log"
        verbose_name_plural = "audit log"
        ordering = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.actor}: {self.get_action_display()} {self.name}"


class Head(models.Model):
    """Where the chain begins and ends. One row.

    `sealed_key` is the key of its digests, encrypted: whoever can write to the database alone can make no valid line.
    `first_digest` is that of the last line that was deleted for its age; `mac` holds the rest of the row together.
    """

    sealed_key = models.TextField()
    first_position = models.PositiveBigIntegerField(default=0)
    first_digest = models.CharField(max_length=64, blank=True)
    last_position = models.PositiveBigIntegerField(default=0)
    last_digest = models.CharField(max_length=64, blank=True)
    mac = models.CharField(max_length=64, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.last_position} lines"

    def sealing_context(self) -> str:
        return f"audit.Head/{self.pk}/sealed_key"
