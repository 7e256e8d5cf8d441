"""The lines of the audit log, and the head of their chain."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.utils import timezone

from audit.changes import Change, from_json


class Action(models.TextChoices):
    ADDED = "added", "Added"
    CHANGED = "changed", "Changed"
    DELETED = "deleted", "Deleted"
    ASKED = "asked", "Asked for"
    REFUSED = "refused", "Refused"
    LOGGED_IN = "logged_in", "Logged in"
    LOGGED_OUT = "logged_out", "Logged out"
    FAILED_LOG_IN = "failed_log_in", "Failed to log in"


class Outcome(models.TextChoices):
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"


# What tells of a refusal by itself, also in lines of releases that knew no outcome.
REFUSALS = (Action.REFUSED, Action.FAILED_LOG_IN)


class Form(models.IntegerChoices):
    """What the digest of a line is of. Releases before `OF_ALL` know no other than `OF_FEW`, and write it unasked."""

    NOT_LINKED = 0, "Not linked yet"
    OF_FEW = 1, "Of who, what, when and from where"
    OF_ALL = 2, "Of all that the line tells"


def _text(length: int, name: str | None = None) -> Any:
    """A column that processes of a release before do not write."""
    return models.CharField(name, max_length=length, blank=True, default="", db_default="")


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

    # Slugs and names as they were then; the place of what it was done to, or where it was refused.
    project = _text(255)
    environment = _text(255)
    path = _text(1024)
    key = _text(255)
    run = _text(64)
    # By which program, as the log calls it: "API token ci", "machine identity deploy".
    token = _text(150, "token or identity")
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True, default="", db_default="")
    # The rights that a refusal names, or why somebody was not let in.
    lacking = _text(255, "refused for")
    # [[field, before, after], ...] as JSON; see `audit.changes`.
    changes = models.TextField(blank=True, default="", db_default="")
    form = models.PositiveSmallIntegerField(
        choices=Form.choices, default=Form.NOT_LINKED, db_default=Form.OF_FEW, editable=False
    )

    position = models.PositiveBigIntegerField(null=True, unique=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = "entry of the audit log"
        verbose_name_plural = "audit log"
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["project", "environment", "id"], name="audit_entry_place"),
            models.Index(fields=["key", "id"], name="audit_entry_key"),
            models.Index(fields=["run"], name="audit_entry_run"),
            models.Index(fields=["token", "id"], name="audit_entry_token"),
            models.Index(fields=["outcome", "id"], name="audit_entry_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.get_action_display()} {self.name}"

    @classmethod
    def fitting(cls, columns: Mapping[str, str]) -> dict[str, str]:
        """Texts cut to what their columns hold."""
        return {name: text[: getattr(cls._meta.get_field(name), "max_length", None)] for name, text in columns.items()}

    @property
    def told_changes(self) -> Sequence[Change]:
        return from_json(self.changes)

    @property
    def place(self) -> str:
        """In one word, as far as it is known: “shop dev:/app DB_URL”."""
        folder = f"{self.environment}:{self.path or '/'}" if self.environment else self.path
        return " ".join(part for part in (self.project, folder, self.key) if part)

    @property
    def was_refused(self) -> bool:
        return self.outcome == Outcome.REFUSED or self.action in REFUSALS


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


class FailedLogIns(models.Model):
    """How many log-ins failed from one address, or /64 of IPv6, in the quarter of an hour of that number."""

    address = models.CharField(max_length=45, primary_key=True)
    window = models.PositiveBigIntegerField(db_index=True)
    count = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.count} failed log-ins from {self.address or 'nowhere'}"
