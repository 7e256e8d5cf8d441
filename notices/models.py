"""Channels by which people are told, rules that say of what, incidents, and the deliveries of messages about them.

An incident is opened once and closed once, whatever happens in between; each of the two is told at most once by each
channel. The address of a channel holds tokens, so it is sealed, to the row and to its way.
"""

import uuid
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Self
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from common import clock
from encryption import seal, unseal
from notices.choices import Pace, State, Way
from syncs.models import DevinSync
from vault.models import Project


def validate_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("This is no time zone. Enter one such as Europe/Berlin.")


class Channel(models.Model):
    """A way to people: who or what a message is handed to, and when not."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=64, unique=True, help_text="For the lists: “On-call”, “Platform team”.")
    way = models.CharField(max_length=16, choices=Way.choices, default=Way.MAIL)
    # Not serialized: a fixture made by dumpdata holds neither, not even sealed.
    sealed_address = models.TextField(blank=True, editable=False, serialize=False)
    sealed_secret = models.TextField(blank=True, default="", editable=False, serialize=False)
    # What may be shown of the address: the mail's recipients, the service's name, the webhook's host.
    shown_address = models.CharField("to", max_length=255, blank=True, editable=False)

    is_enabled = models.BooleanField("enabled", default=True, help_text="A disabled channel is told nothing.")
    quiet_from = models.TimeField(
        null=True,
        blank=True,
        help_text="From then on nothing is sent. What is over by the end of the quiet hours is not told at all.",
    )
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(
        max_length=64, default="UTC", validators=[validate_zone], help_text="Of the quiet hours: Europe/Berlin."
    )
    muted_until = models.DateTimeField(null=True, editable=False)
    # After a failure it is left alone for a while, however many messages wait for it.
    rests_until = models.DateTimeField(null=True, editable=False)
    last_sent_at = models.DateTimeField("last sent", null=True, editable=False)
    last_problem = models.CharField(max_length=255, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        super().clean()
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValidationError("Quiet hours have a beginning and an end. Enter both, or neither.")

    def address_context(self) -> str:
        return f"notices.Channel/{self.pk}/{self.way}/sealed_address"

    def secret_context(self) -> str:
        return f"notices.Channel/{self.pk}/sealed_secret"

    def set_address(self, address: str, *, shown: str) -> None:
        """The row is not saved."""
        self.sealed_address = seal(address, context=self.address_context())
        self.shown_address = shown[:255]

    def address(self) -> str:
        """For the sender alone. Raises DecryptionError."""
        return unseal(self.sealed_address, context=self.address_context())

    def renew_secret(self) -> str:
        """A new secret that signs its webhook's messages, to be shown once. The row is not saved."""
        secret = token_urlsafe(32)
        self.sealed_secret = seal(secret, context=self.secret_context())
        return secret

    def secret(self) -> str:
        return unseal(self.sealed_secret, context=self.secret_context()) if self.sealed_secret else ""

    def silent_until(self, now: datetime) -> datetime | None:
        """Until when nothing is sent: because it is muted, in its quiet hours, or rests after a failure."""
        ends = [end for end in (self.muted_until, self.rests_until, self._quiet_end(now)) if end and end > now]
        return max(ends, default=None)

    def _quiet_end(self, now: datetime) -> datetime | None:
        if self.quiet_from is None or self.quiet_until is None:
            return None
        here = now.astimezone(ZoneInfo(self.time_zone))
        # Hours that begin in the evening end on the next day; those that began yesterday may still last.
        for day in (here.date() - timedelta(days=1), here.date()):
            begins = datetime.combine(day, self.quiet_from, here.tzinfo)
            last = day if self.quiet_until > self.quiet_from else day + timedelta(days=1)
            ends = datetime.combine(last, self.quiet_until, here.tzinfo)
            if begins <= here < ends:
                return ends
        return None


class Rule(models.Model):
    """What a channel is told of: these events, of everything, a project or a sync."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="rules")
    events = models.JSONField(default=list)
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: of all projects."
    )
    sync = models.ForeignKey(
        DevinSync, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: of all syncs."
    )
    pace = models.CharField(max_length=16, choices=Pace.choices, default=Pace.AT_ONCE)
    tells_end = models.BooleanField("also when it is over", default=True)
    is_enabled = models.BooleanField("enabled", default=True)

    class Meta:
        ordering = ["channel", "pk"]

    def __str__(self) -> str:
        return f"{self.channel}: {self.scope}"

    def clean(self) -> None:
        super().clean()
        if self.project_id and self.sync_id:
            raise ValidationError("Choose a project or a sync, not both: a sync is in a project.")

    @property
    def scope(self) -> str:
        if self.sync_id:
            return f"sync {self.sync}"
        return f"project {self.project}" if self.project_id else "everything"

    def covers(self, incident: "Incident") -> bool:
        if incident.event not in self.events:
            return False
        if self.sync_id:
            return self.sync_id == incident.sync_id
        return not self.project_id or self.project_id == incident.project_id


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)


class Incident(models.Model):
    """Something that is so from its opening to its closing. `subject` is what it is about, as `sync:<id>`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.CharField(max_length=32)
    subject = models.CharField(max_length=128)
    # Without foreign keys: what an incident is about may go, and the incident then closes.
    project_id = models.UUIDField(null=True)
    sync_id = models.UUIDField(null=True)
    title = models.CharField("what", max_length=255)
    text = models.CharField("why", max_length=1024, blank=True)
    # The path of the page with the one button, on this site.
    link = models.CharField(max_length=255, blank=True)
    end_text = models.CharField("how it ended", max_length=255, blank=True, default="")
    opened_at = models.DateTimeField("began", default=timezone.now)
    closed_at = models.DateTimeField("over", null=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(fields=["event", "subject"], condition=Q(closed_at=None), name="one_open_incident")
        ]
        indexes = [models.Index(fields=["-opened_at"]), models.Index(fields=["event", "subject"])]

    def __str__(self) -> str:
        return self.title


class Delivery(models.Model):
    """One message to one channel, with all attempts. `not_before` is also how long an attempt has it for itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    pace = models.CharField(max_length=16, choices=Pace.choices, default=Pace.AT_ONCE)
    is_test = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    subject = models.CharField("message", max_length=255, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    answer = models.CharField(max_length=255, blank=True, default="")
    not_before = models.DateTimeField("next attempt", default=timezone.now)
    created_at = models.DateTimeField("made", default=timezone.now)
    ended_at = models.DateTimeField("ended", null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["not_before"], condition=Q(state="waiting"), name="deliveries_that_wait"),
            models.Index(fields=["-created_at"]),
        ]

    def __str__(self) -> str:
        return self.subject or "message"

    def end(self, state: State, answer: str) -> None:
        self.state, self.answer, self.ended_at = state, answer[:255], clock.now()
        self.save(update_fields=["state", "answer", "ended_at"])


class Notice(models.Model):
    """That a delivery tells a channel of an incident's beginning, or of its end. Once each."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="notices")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="notices")
    is_end = models.BooleanField(default=False)
    # Of a beginning: whether the end is told too, and at which pace.
    wants_end = models.BooleanField(default=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "channel", "is_end"], name="a_channel_is_told_once"),
        ]

    def __str__(self) -> str:
        return f"{self.incident} to {self.channel_id}"
