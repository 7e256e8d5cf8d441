"""Syncs, their runs with what each changed, and the ledger of what we wrote.

No row here holds a secret's value, but for `WriteIntent.sealed_value`: encrypted, and only while a replaced key is
absent from the organization.
"""

import secrets
import uuid
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from common import clock
from common.patterns import SLUG_RULE, validate_org_id, validate_slug
from connections.models import Connection
from syncs.authors import Author, subject
from syncs.choices import (
    OPEN_STATUSES,
    Action,
    Answer,
    AsksForWave,
    BlockedReason,
    Decision,
    Operation,
    Outcome,
    Phase,
    Status,
    Trigger,
)
from syncs.errors import Blocked
from syncs.options import SyncOptions
from syncs.organizations import NamesOrganization
from syncs.places import ReadsPlace, ReadsPlaceQuerySet, lost_source
from syncs.renames import told_rename
from vault.signals import Aspect


def _new_instance_id() -> str:
    return secrets.token_hex(4)


class SyncControl(models.Model):
    """The one row of what concerns all syncs: this installation's id, and the switch that pauses everything."""

    instance_id = models.CharField(max_length=8, default=_new_instance_id, editable=False)
    is_paused = models.BooleanField("all syncs are paused", default=False)
    scheduler_seen_at = models.DateTimeField(null=True, editable=False)
    # Which history of the database the workers have seen, and since when it is another: see `runs.failover`.
    timeline = models.CharField(max_length=8, default="", db_default="", editable=False)
    timeline_since = models.DateTimeField(null=True, editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = "global pause"
        verbose_name_plural = "global pause"
        permissions = [("pause_syncs", "Can pause and resume all syncs")]

    def __str__(self) -> str:
        return "All syncs are paused" if self.is_paused else "Syncs are running"

    @classmethod
    def get(cls) -> Self:
        return cls.objects.get_or_create(pk=1)[0]

    @classmethod
    def known_instance_id(cls) -> str:
        """ "" where none has been given yet: then no note can name this installation. Writes nothing."""
        return cls.objects.filter(pk=1).values_list("instance_id", flat=True).first() or ""


class DevinSyncQuerySet(ReadsPlaceQuerySet["DevinSync"]):
    def live(self) -> Self:
        """Those that any trigger may run: enabled, with a source."""
        return self.filter(~lost_source(), is_enabled=True)

    def minding(self, aspect: Aspect) -> Self:
        """Those to whom this matters of the secrets that they read."""
        if aspect is Aspect.COMMENTS:
            return self.filter(send_comments=True)
        return self.exclude(only_tags="", except_tags="") if aspect is Aspect.TAGS else self

    def due(self) -> Self:
        """Those whose time for a reconcile has come."""
        return self.live().filter(auto_sync_enabled=True, reconcile_minutes__gt=0, next_reconcile_at__lte=clock.now())


class DevinSync(ReadsPlace, NamesOrganization, SyncOptions):
    """Keeps the secrets of one Devin organization equal to one folder of a source."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=256,
        validators=[validate_slug],
        help_text=f"{SLUG_RULE} Unique in its project.",
    )
    description = models.CharField(
        max_length=256, blank=True, help_text="What it is for, in a few words. At most 256 characters."
    )
    is_enabled = models.BooleanField(
        "enabled",
        default=True,
        help_text="A disabled sync runs for no trigger at all. You can enable it later.",
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="syncs")
    org_id = models.CharField(
        "organization ID",
        max_length=128,
        validators=[validate_org_id],
        help_text=(
            "Starts with “org-”, then letters, digits, “-” or “_”. Devin shows it in the settings of the organization."
        ),
    )

    # The sync set that made it, and through which alone it is edited.
    set_id = models.UUIDField(null=True, editable=False, db_index=True)

    # Where the connection led when a person chose it, or last saw the plan there. Nothing is sent elsewhere.
    agreed_connection_id = models.UUIDField(null=True, editable=False)
    agreed_base_url = models.CharField(max_length=255, blank=True, editable=False)
    # By which proxy and authorities of its own, in the connection's words.
    agreed_way = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)

    generation = models.PositiveBigIntegerField(default=0, editable=False)
    next_reconcile_at = models.DateTimeField(null=True, editable=False)
    # A change of its source or of itself is written only in its turn: see `runs.waves`.
    goes_in_waves = models.BooleanField(default=False, db_default=False, editable=False)
    asks_for_wave = models.CharField(
        max_length=8, choices=AsksForWave.choices, blank=True, default="", db_default="", editable=False
    )
    # Another sync holds deletions until this one's source can be read.
    is_awaited = models.BooleanField(default=False, editable=False)

    # How many secrets the last run that succeeded found, or made, as the source has them. None: not known yet.
    in_step_count = models.PositiveIntegerField(null=True, editable=False)
    # Runs that left no row because they had nothing to tell: they count here, and only ever more.
    compared_count = models.PositiveBigIntegerField(default=0, editable=False)

    sync_status = models.CharField(max_length=16, choices=Status.choices, blank=True, editable=False)
    last_sync_run_id = models.UUIDField(null=True, editable=False)
    last_sync_message = models.CharField(max_length=1024, blank=True, editable=False)
    last_synced_at = models.DateTimeField("last synced", null=True, editable=False)
    remove_status = models.CharField(max_length=16, choices=Status.choices, blank=True, editable=False)
    last_remove_run_id = models.UUIDField(null=True, editable=False)
    last_remove_message = models.CharField(max_length=1024, blank=True, editable=False)
    last_removed_at = models.DateTimeField(null=True, editable=False)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DevinSyncQuerySet.as_manager()

    class Meta:
        verbose_name = "sync"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                name="sync_name_unique_in_project",
                violation_error_message="This project already has a sync of that name.",
            )
        ]
        indexes = [models.Index(fields=["id"], condition=~Q(asks_for_wave=""), name="syncs_that_ask_for_a_wave")]
        permissions = [
            ("run_devinsync", "Can start a run (Sync now)"),
            ("plan_devinsync", "Can see the plan of a sync"),
            ("remove_secrets", "Can remove a sync's secrets from Devin"),
            ("confirm_deletions", "Can confirm a blocked run's deletions"),
            ("take_over", "Can take over what a stopped sync holds"),
            ("approve_runs", "Can approve or refuse the plans of others' runs"),
            ("loosen_approval", "Can let a sync's runs need less approval"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:syncs_devinsync_change", args=[self.pk])

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("update_fields") and self.agreed_connection_id != self.connection_id:
            self.take_address()
        super().save(*args, **kwargs)

    @property
    def runs_by_itself(self) -> bool:
        """Whether a change of the source, of the sync itself, or the schedule starts a run."""
        return self.is_enabled and self.auto_sync_enabled and self.has_source

    @property
    def short_id(self) -> str:
        """How notes in Devin name this sync."""
        return self.pk.hex[:8]

    @property
    def is_elsewhere(self) -> bool:
        """Whether its connection leads elsewhere than where a person has seen that it goes."""
        agreed = (self.agreed_connection_id, self.agreed_where)
        return self.agreed_connection_id is not None and agreed != (self.connection_id, self.connection.where)

    @property
    def agreed_where(self) -> str:
        """Address and way that a person has seen."""
        return f"{self.agreed_base_url}{self.agreed_way}"

    def take_address(self) -> None:
        """Values may go to where the connection leads now. The row is not saved."""
        self.agreed_connection_id = self.connection_id
        self.agreed_base_url, self.agreed_way = self.connection.base_url, self.connection.way

    def check_address(self) -> None:
        """Raises Blocked if nobody has agreed to the address."""
        if self.is_elsewhere:
            raise Blocked(
                f"The connection “{self.connection}” now leads to {self.connection.where}, before to "
                f"{self.agreed_where}. Nothing was sent there. Look at the plan of this sync, then let it go there.",
                reason=BlockedReason.NEW_ADDRESS,
            )

    def raise_generation(self, at_least: int) -> None:
        """After a person has said that this database is right although Devin holds later notes."""
        DevinSync.objects.filter(pk=self.pk, generation__lt=at_least).update(generation=at_least)
        self.refresh_from_db(fields=["generation"])

    @property
    def is_live(self) -> bool:
        """Whether any trigger may run it; what one that is not live holds, another may take over."""
        return self.is_enabled and self.has_source

    def destination(self) -> "Destination":
        return Destination.objects.get_or_create(base_url=self.connection.base_url, org_id=self.org_id)[0]

    def look_up_destination(self) -> "Destination":
        """The same without writing: one that is not saved where there is none yet."""
        place = {"base_url": self.connection.base_url, "org_id": self.org_id}
        return Destination.objects.filter(**place).first() or Destination(**place)


class Destination(models.Model):
    """An organization at a base URL: what one run at a time may hold.

    The lease is taken by a filtered update, so the database decides. `epoch` is its fencing number: it grows with each
    holder, and a worker that finds another number than its own stops. Times are the database's.
    """

    base_url = models.CharField(max_length=255)
    org_id = models.CharField(max_length=128)
    epoch = models.PositiveBigIntegerField(default=0)
    lease_holder = models.CharField(max_length=64, blank=True)
    lease_run_id = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    # That a person has cancelled the run that holds it: read with the lease, so that it costs no query of its own.
    stop_asked = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["base_url", "org_id"], name="destination_unique")]

    def __str__(self) -> str:
        return self.org_id


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    def pending(self) -> Self:
        return self.filter(status=Status.PENDING)

    def that_changed_something(self, changed: bool = True) -> Self:
        """Those that wrote, deleted or handed over a secret, or the others."""
        columns = ("created", "replaced", "renamed", "handed_over", "deleted")
        wrote = Q(*((f"{column}_count__gt", 0) for column in columns), _connector=Q.OR)
        return self.filter(wrote if changed else ~wrote)

    def minding(self, aspect: Aspect) -> Self:
        """Those to whom this matters of the secrets that they read."""
        if aspect is Aspect.COMMENTS:
            return self.filter(send_comments=True)
        return self.exclude(only_tags="", except_tags="") if aspect is Aspect.TAGS else self

    def due(self) -> Self:
        """Pending ones whose time has come, and that the queue was not told of lately."""
        now = clock.now()
        silence = now - settings.SYNC_RING_AGAIN
        return self.pending().filter(
            Q(not_before__isnull=True) | Q(not_before__lte=now),
            Q(rung_at__isnull=True) | Q(rung_at__lte=silence) | Q(rung_at__lt=F("not_before")),
        )


class SyncRun(NamesOrganization):
    """One run of a sync: who asked for it, what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sync = models.ForeignKey(DevinSync, null=True, on_delete=models.SET_NULL, related_name="runs")
    sync_name = models.CharField("sync", max_length=256)
    # Where this run works: the sync's own connection and organization, or, for a removal, the ones it had before.
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="+")
    org_id = models.CharField("organization ID", max_length=128)
    destination = models.ForeignKey(
        Destination, null=True, on_delete=models.SET_NULL, related_name="runs", editable=False
    )
    operation = models.CharField(max_length=16, choices=Operation.choices, default=Operation.SYNC)
    trigger = models.CharField(max_length=16, choices=Trigger.choices)
    trigger_count = models.PositiveIntegerField(
        "triggers", default=1, help_text="How many triggers this one run answers."
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name="requested by"
    )
    request_id = models.CharField(max_length=64, blank=True)
    # Asked for by the schedule or a look for changes alone, and looked at by nobody: it leaves no row unless it has
    # something to tell.
    is_quiet = models.BooleanField(default=False, editable=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    # That its turn in the waves has come, or that a person has asked for it: of a sync that goes in waves.
    is_released = models.BooleanField(default=False, db_default=False, editable=False)
    # Who cancelled it after it had started: it stops before its next write. "" as long as nobody has.
    stopped_by = models.CharField(max_length=200, blank=True, editable=False)
    attempt = models.PositiveSmallIntegerField(default=0)
    message = models.CharField(max_length=1024, blank=True)
    blocked_reason = models.CharField(max_length=32, choices=BlockedReason.choices, blank=True)

    queued_at = models.DateTimeField("queued", default=timezone.now)
    not_before = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField("started", null=True)
    finished_at = models.DateTimeField("finished", null=True)

    # A person's word on deletions: None, or the ids of the very secrets that the plan they saw would delete.
    confirmed_deletions = models.JSONField(null=True)
    confirms_any_deletion = models.BooleanField(default=False)
    accepts_rollback = models.BooleanField(default=False)
    repushes_all = models.BooleanField(default=False)
    removes_sync = models.BooleanField(default=False)
    # A person's word on what stopped syncs hold: None, the very keys to take over, or true for any.
    takes_over = models.JSONField(null=True)

    # The run whose plan another person has approved, which this one carries out.
    approved_run_id = models.UUIDField(null=True, editable=False)
    # The ids of all who asked for it, of whom none may approve it.
    askers = models.JSONField(null=True, editable=False)

    # The secret of the vault for which the source could last not be read whole, if it was one; it may be gone by now.
    faulty_secret_id = models.UUIDField(null=True, editable=False)

    created_count = models.PositiveIntegerField("created", default=0)
    replaced_count = models.PositiveIntegerField("replaced", default=0)
    renamed_count = models.PositiveIntegerField("renamed", default=0)
    handed_over_count = models.PositiveIntegerField("handed over", default=0)
    deleted_count = models.PositiveIntegerField("deleted", default=0)
    # Deletions that wait: for a person's word, the write that replaces the secret, or another sync's source.
    held_count = models.PositiveIntegerField("held", default=0)
    kept_count = models.PositiveIntegerField("kept", default=0)
    failed_count = models.PositiveIntegerField("failed", default=0)
    drifted_count = models.PositiveIntegerField("drifted", default=0)
    requests_sent = models.PositiveIntegerField("requests", default=0)
    warnings = models.JSONField(default=list)
    # Who changed in Devin what it found changed, foreign or gone; None where nobody knows.
    authors = models.JSONField(null=True, editable=False)

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        verbose_name = "run"
        ordering = ["-queued_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["sync", "operation"], condition=Q(status=Status.PENDING), name="one_pending_run_a_sync"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "not_before"]),
            models.Index(fields=["sync", "-queued_at"]),
            models.Index(fields=["-queued_at"]),
            models.Index(fields=["finished_at"], condition=Q(drifted_count__gt=0), name="runs_that_found_drift"),
            models.Index(
                fields=["faulty_secret_id"], condition=Q(faulty_secret_id__isnull=False), name="runs_of_a_faulty_secret"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_operation_display()} of {self.sync_name}"

    def get_absolute_url(self) -> str:
        return reverse("admin:syncs_syncrun_change", args=[self.pk])

    def find_destination(self) -> Destination:
        assert self.connection is not None  # noqa: S101 - claim() has cancelled runs without one
        return Destination.objects.get_or_create(base_url=self.connection.base_url, org_id=self.org_id)[0]

    @property
    def is_finished(self) -> bool:
        return self.status not in OPEN_STATUSES

    @property
    def is_stopping(self) -> bool:
        return bool(self.stopped_by) and not self.is_finished

    @property
    def needs_person(self) -> bool:
        return self.status in (Status.BLOCKED, Status.FAILED)

    @property
    def duration(self) -> timedelta | None:
        if self.started_at is None:
            return None
        return (self.finished_at or timezone.now()) - self.started_at

    @property
    def summary(self) -> str:
        """`2 created, 1 replaced, 20 kept`, leaving out what is nought."""
        counts = (
            ("created", self.created_count),
            ("replaced", self.replaced_count),
            ("renamed", self.renamed_count),
            ("handed over", self.handed_over_count),
            ("deleted", self.deleted_count),
            ("held", self.held_count),
            ("kept", self.kept_count),
            ("failed", self.failed_count),
        )
        return ", ".join(f"{count} {word}" for word, count in counts if count) or "nothing to do"


class PlanApproval(models.Model):
    """The plan that a blocked run waits with for another person, and that person's word on it.

    What it holds of values are digests of their fingerprints. An approval lets one run begin, and only until
    `expires_at`; what that run has begun with, it may finish.
    """

    run = models.OneToOneField(SyncRun, primary_key=True, on_delete=models.CASCADE, related_name="awaited")
    digest = models.CharField(max_length=64, editable=False)
    place = models.CharField(max_length=1024, editable=False)
    lines = models.JSONField(default=list, editable=False)
    # The ids of those whose plan it is, as far as known.
    not_by = models.JSONField(default=list, editable=False)
    answer = models.CharField(max_length=16, choices=Answer.choices, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # As text, so that it stays when the account goes.
    answered_by_name = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "approval of a plan"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_answer_display() or 'Waits for approval'}: {self.run}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= clock.now()


class SourceAuthor(models.Model):
    """Who has changed what a sync reads, and when last: of those whose plans another person approves."""

    sync = models.ForeignKey(DevinSync, on_delete=models.CASCADE, related_name="source_authors")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["sync", "user"], name="one_row_an_author_of_a_source")]

    def __str__(self) -> str:
        return f"{self.user} changed the source of {self.sync}"


class SyncRunChange(models.Model):
    """One key that a run changed, or would change, with what became of it. Never a value."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="changes")
    action = models.CharField(max_length=16, choices=Action.choices)
    destination_key = models.CharField("key in Devin", max_length=1024)
    source_key = models.CharField("key in the source", max_length=255, blank=True)
    # Of a rename.
    former_keys = models.JSONField(default=list, blank=True)
    secret_id = models.CharField("secret ID", max_length=255, blank=True)
    secret_type = models.CharField("type", max_length=32, blank=True)
    reason = models.CharField(max_length=255)
    is_drift = models.BooleanField("drift", default=False)
    is_stranger = models.BooleanField(
        "not written by this sync", default=False, help_text="The secret in Devin was not written by this sync."
    )
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.PLANNED)
    detail = models.CharField(max_length=1024, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "change"
        ordering = ["run", "pk"]
        indexes = [models.Index(fields=["run", "outcome"])]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.told_key}"

    @property
    def told_key(self) -> str:
        """`A → PROD_A` of a rename, else the key."""
        return told_rename(self.former_keys, self.destination_key)

    @property
    def author(self) -> Author | None:
        """Who changed it in Devin, for those who may see its run; None where its run knows nothing of that."""
        if self.run.authors is None or not (self.is_drift or self.is_stranger):
            return None
        about = subject(self.destination_key, self.secret_id, is_deletion=self.action == Action.DELETE)
        return Author(**self.run.authors.get(about, {}))


class ManagedSecret(models.Model):
    """The ledger: a secret that a sync wrote, and what Devin said of it then. Holds a fingerprint, never a value."""

    sync = models.ForeignKey(DevinSync, on_delete=models.CASCADE, related_name="managed_secrets")
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT, related_name="managed_secrets")
    destination_key = models.CharField("key in Devin", max_length=1024)
    source_key = models.CharField("key in the source", max_length=255)
    # The source's own id of the secret, where it has one: it stays the same when key and value change.
    source_id = models.CharField(
        "ID in the source", max_length=255, blank=True, default="", db_default="", editable=False
    )
    secret_id = models.CharField("secret ID", max_length=255)
    fingerprint = models.CharField(max_length=128, editable=False)
    note = models.TextField(blank=True, editable=False)
    secret_type = models.CharField(max_length=32, default="key-value")
    is_sensitive = models.BooleanField(default=True)
    modified_at = models.BigIntegerField("modified in Devin (Unix seconds)", default=0)
    generation = models.PositiveBigIntegerField(default=0)
    written_at = models.DateTimeField("written", default=timezone.now)
    # Under whose id the fingerprint was made, where another sync wrote the secret and handed it over.
    fingerprinted_for = models.UUIDField(null=True, editable=False)
    # The key whose secret has been written to replace this one, which is still to be deleted.
    renamed_to = models.CharField(max_length=1024, blank=True, editable=False)
    is_adopted = models.BooleanField(
        "adopted", default=False, help_text="A person put it here; DevinSync does not know its value."
    )

    class Meta:
        ordering = ["destination_key"]
        constraints = [
            models.UniqueConstraint(fields=["destination", "destination_key"], name="one_sync_manages_a_key"),
        ]
        indexes = [models.Index(fields=["sync", "destination"])]

    def __str__(self) -> str:
        return self.destination_key


class StrangerDecision(models.Model):
    """A person's word on one secret that this sync did not write and its source lacks."""

    sync = models.ForeignKey(DevinSync, on_delete=models.CASCADE, related_name="stranger_decisions")
    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="+")
    secret_id = models.CharField("secret ID", max_length=255)
    destination_key = models.CharField("key in Devin", max_length=1024)
    decision = models.CharField(max_length=8, choices=Decision.choices)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["destination_key"]
        constraints = [
            models.UniqueConstraint(fields=["sync", "destination", "secret_id"], name="one_decision_a_stranger"),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()} {self.destination_key}"


class WriteIntentQuerySet(models.QuerySet["WriteIntent"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)


class WriteIntent(models.Model):
    """Written and committed before each write to Devin, closed after it.

    What is still open when a run begins may or may not have happened: a fresh, complete list of the organization
    decides, by the nonce in the note.
    """

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="intents")
    sync = models.ForeignKey(DevinSync, on_delete=models.CASCADE, related_name="intents")
    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="intents")
    change = models.ForeignKey(SyncRunChange, null=True, on_delete=models.SET_NULL, related_name="+")
    epoch = models.PositiveBigIntegerField()
    action = models.CharField(max_length=16, choices=Action.choices)
    phase = models.CharField(max_length=16, choices=Phase.choices)
    destination_key = models.CharField(max_length=1024)
    source_key = models.CharField(max_length=255, blank=True)
    source_id = models.CharField(max_length=255, blank=True, default="", db_default="")
    secret_id = models.CharField(max_length=255, blank=True)
    old_secret_ids = models.JSONField(default=list)
    nonce = models.CharField(max_length=32, blank=True)
    generation = models.PositiveBigIntegerField(default=0, validators=[MinValueValidator(0)])
    fingerprint = models.CharField(max_length=128, blank=True)
    note = models.TextField(blank=True)
    sealed_value = models.TextField(blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    objects = WriteIntentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["destination", "destination_key", "secret_id"],
                condition=Q(closed_at__isnull=True),
                name="one_open_intent_a_key",
            ),
        ]
        indexes = [models.Index(fields=["sync", "closed_at"]), models.Index(fields=["closed_at"])]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.destination_key}"

    def sealing_context(self) -> str:
        """What a sealed value is bound to: this write to this key of this organization, and no other."""
        return f"syncs.WriteIntent/{self.nonce}/{self.destination_id}/{self.destination_key}"
