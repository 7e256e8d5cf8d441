"""`KeyRotation`: how far the rotation of a connection's key has come, so that whoever is next goes on from there.

It holds both keys, sealed to it and to the address that they are for, until the one that is not used is revoked.
"""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from encryption import seal, unseal


class Step(models.TextChoices):
    """What is done next, in this order; the last two in place of SWITCHED and PROVEN where the new key does not do."""

    ASKED = "asked", "Waiting to begin"
    MAKING = "making", "Making a new key"
    MADE = "made", "Checking the new key"
    SWITCHED = "switched", "Proving the new key"
    PROVEN = "proven", "Waiting to revoke the old key"
    RETURNING = "returning", "Going back to the old key"
    RETURNED = "returned", "Waiting to revoke the new key"
    ENDED = "ended", "Ended"


class Outcome(models.TextChoices):
    DONE = "done", "Rotated"
    OLD_KEPT = "old-kept", "Rotated, the old key still lives"
    FAILED = "failed", "Not rotated"


class Trigger(models.TextChoices):
    PERSON = "person", "A person"
    API = "api", "The API"
    SCHEDULE = "schedule", "The schedule"


def _text(length: int) -> "models.CharField[str, str]":
    return models.CharField(max_length=length, blank=True, default="", editable=False)


class KeyRotation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(
        "connections.Connection", on_delete=models.CASCADE, related_name="key_rotations", editable=False
    )
    trigger = models.CharField(max_length=16, choices=Trigger.choices, editable=False)
    asked_by = _text(150)
    # With a key that a person has made in Devin.
    is_by_hand = models.BooleanField(default=False, editable=False)
    step = models.CharField(max_length=16, choices=Step.choices, default=Step.ASKED, editable=False)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True, default="", editable=False)
    # What came of it; as long as it goes on, what it waits for.
    message = _text(1024)
    # Why it goes back to the old key.
    reason = _text(1024)

    # Where both keys lead, and nowhere else.
    where = models.TextField(blank=True, default="", editable=False)
    service_user_id = _text(255)
    # Of the keys in Devin; empty where that is not certain, or not known yet.
    old_key_id = _text(255)
    new_key_id = _text(255)
    sealed_old_key = models.TextField(blank=True, default="", editable=False, serialize=False)
    sealed_new_key = models.TextField(blank=True, default="", editable=False, serialize=False)
    # How many keys it has asked Devin to make, each under a name of its own.
    keys_asked_for = models.PositiveSmallIntegerField(default=0, editable=False)
    # Failures in a row that may pass.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    proved_count = models.PositiveIntegerField(default=0, editable=False)
    to_prove_count = models.PositiveIntegerField(default=0, editable=False)

    created_at = models.DateTimeField("asked for", default=timezone.now, editable=False)
    switched_at = models.DateTimeField("switched", null=True, editable=False)
    ended_at = models.DateTimeField("ended", null=True, editable=False)
    due_at = models.DateTimeField(default=timezone.now, editable=False)
    # Who is at it: nobody else may be before this time.
    claim = _text(32)
    claimed_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "key rotation"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection"], condition=Q(ended_at__isnull=True), name="one_rotation_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["ended_at", "due_at"], name="key_rotation_due")]

    def __str__(self) -> str:
        return f"rotation of the key of {self.connection_id}"

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None

    def key_name(self, number: int | None = None) -> str:
        """What the key of an attempt is called in Devin: nobody else's is called so."""
        return f"{self.name_prefix}{self.keys_asked_for if number is None else number}"

    @property
    def name_prefix(self) -> str:
        return f"devinsync-{self.pk.hex}-"

    def names(self, name: str) -> bool:
        """Whether a key of that name is one that this rotation has asked for."""
        return name in {self.key_name(number + 1) for number in range(self.keys_asked_for)}

    def old_key_context(self) -> str:
        return f"connections.KeyRotation/{self.pk}/sealed_old_key/{self.where}"

    def new_key_context(self) -> str:
        return f"connections.KeyRotation/{self.pk}/sealed_new_key/{self.where}"

    def keep_old_key(self, key: str) -> None:
        """Sealed; the row is not saved."""
        self.sealed_old_key = seal(key, context=self.old_key_context())

    def keep_new_key(self, key: str) -> None:
        self.sealed_new_key = seal(key, context=self.new_key_context())

    def old_key(self) -> str:
        """For clients alone. Raises DecryptionError."""
        return unseal(self.sealed_old_key, context=self.old_key_context())

    def new_key(self) -> str:
        return unseal(self.sealed_new_key, context=self.new_key_context())
