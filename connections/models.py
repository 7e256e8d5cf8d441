"""`Connection`: the address and the encrypted credentials of a service, and what it last said about them.

The credentials are sealed to the row, to its base URL and to the way there. With others they do not open, so that
nobody can have a stored API key sent to an address, by a proxy or past an authority of their own choice.
"""

import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from common.patterns import validate_slug
from connections.devin.app import open_client
from connections.devin.client import DevinClient
from connections.errors import ConnectionFailed
from connections.expiry import Origin
from connections.fields import BaseURLField, NameField
from connections.http import Route
from connections.kinds import Identity, Kind
from connections.registry import app_choices, kind_named, method_choices
from connections.rotation.models import KeyRotation
from connections.ways import LOGIN, PROXY, described, login_in, taken, why_not
from encryption import DecryptionError, seal, unseal

__all__ = ["KeyRotation"]
HINT_LENGTH = 4
HINTED_LENGTH = 20
# A service that tells when a key expires is asked so often.
ASKED_EVERY = timedelta(days=1)


def default_base_url() -> str:
    return str(settings.DEVIN_API_URL)


class ChangedMeanwhile(Exception):
    """Somebody else saved this connection after it was read here."""


class NoApiKey(DecryptionError):
    """There is nothing to decrypt: nobody has entered credentials."""


class Connection(models.Model):
    """Whom we talk to, as whom."""

    class App(models.TextChoices):
        DEVIN = "devin", "Devin"
        INFISICAL = "infisical", "Infisical"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = NameField(max_length=32, unique=True, validators=[validate_slug])
    description = models.CharField(max_length=256, blank=True)
    app = models.CharField(max_length=32, choices=app_choices, default=App.DEVIN)
    method = models.CharField(max_length=32, choices=method_choices, default="api-key")
    base_url = BaseURLField("base URL", max_length=255, default=default_base_url)
    # Not serialized: a fixture made by dumpdata holds no credentials, not even sealed ones.
    sealed_credentials = models.TextField(blank=True, editable=False, serialize=False)
    credentials_hint = models.CharField(max_length=HINT_LENGTH, blank=True, editable=False)
    # Which of the service user's keys in Devin it is: known of one that was made here, until another is entered.
    api_key_id = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)
    # What the app takes beside address and credentials, by its API name; nothing in here is a secret.
    parameters = models.JSONField(default=dict, blank=True, editable=False)
    concurrency = models.PositiveSmallIntegerField(
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(16)],
        help_text=(
            "How many requests of runs may be under way at once, of all its organizations together. Shrinks by itself "
            "when the service asks for patience."
        ),
    )

    org_id = models.CharField("organization ID", max_length=255, blank=True, editable=False)
    principal_type = models.CharField(max_length=64, blank=True, editable=False)
    principal_name = models.CharField(max_length=255, blank=True, editable=False)
    validated_at = models.DateTimeField("last validated", null=True, editable=False)
    is_valid = models.BooleanField(null=True, editable=False)
    validation_message = models.CharField(max_length=1024, blank=True, editable=False)
    rate_limited_until = models.DateTimeField(null=True, editable=False)
    organizations_due_at = models.DateTimeField(
        default=timezone.now, db_default=Now(), editable=False, help_text="When to ask for the organizations again."
    )

    audit_logs_due_at = models.DateTimeField(
        default=timezone.now, db_default=Now(), editable=False, help_text="When Devin's audit log may be asked again."
    )

    rotate_every_days = models.PositiveSmallIntegerField("rotate the key every", null=True, editable=False)
    rotation_due_at = models.DateTimeField(null=True, editable=False)
    # When it got others than it had before.
    credentials_set_at = models.DateTimeField(null=True, editable=False)

    # Credentials were set here that are not the stored ones, and are not saved yet.
    _has_others = False

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        permissions = [
            ("use_connection", "Can test a connection and choose it for a sync"),
            ("rotate_connection", "Can have the API key of a connection rotated"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs: Any) -> None:
        """A whole save is a change: it takes the next version, or fails if somebody else took it first."""
        fields = kwargs.get("update_fields")
        if self._state.adding or (fields is not None and "sealed_credentials" not in fields):
            super().save(**kwargs)
            return
        with transaction.atomic():
            if fields is None:
                self._take_next_version()
            super().save(**kwargs)
            self._forget_life()

    def _take_next_version(self) -> None:
        same = Connection.objects.filter(pk=self.pk, version=self.version)
        if not same.update(version=self.version + 1):
            raise ChangedMeanwhile(f"Connection “{self.name}” was changed by somebody else. Load it again.")
        self.version += 1

    def _forget_life(self) -> None:
        """Of other credentials nothing is known yet."""
        if self._has_others:
            self.life.forget()
            self._has_others = False

    def clean(self) -> None:
        super().clean()
        if problem := why_not(self.base_url, self.parameters):
            raise ValidationError(problem)

    def credentials_context(self) -> str:
        return f"connections.Connection/{self.pk}/sealed_credentials/{self.where}"

    @property
    def way(self) -> str:
        """In words what proxy and authorities are its own, to stand behind the address; "" if none are."""
        return described(self.parameters)

    @property
    def where(self) -> str:
        """Where it leads, and how: “https://api.devin.ai through http://proxy:3128”."""
        return f"{self.base_url}{self.way}"

    @property
    def kind(self) -> Kind:
        """What is special about its app."""
        return kind_named(self.app)

    def set_credentials(self, given: Mapping[str, str]) -> None:
        """Seal new credentials, by API name, for the present address and way. The row is not saved.

        A proxy's login is taken from the proxy as it was typed, or kept for as long as all of these stay. Raises
        ValidationError.
        """
        cleaned = self.kind.clean_credentials(self.method, given)
        if self.parameters.get(PROXY.api_name) and (login := login_in(given.get(PROXY.api_name) or "")):
            cleaned[LOGIN] = login
        elif kept := self._proxy_login():
            cleaned[LOGIN] = kept
        self._has_others = self._has_others or not (self._state.adding or self._holds(cleaned))
        self.sealed_credentials = seal(json.dumps(cleaned), context=self.credentials_context())
        if self._has_others:
            self.api_key_id, self.credentials_set_at = "", timezone.now()
        if self._has_others and self.rotate_every_days:
            self.rotation_due_at = timezone.now() + timedelta(days=self.rotate_every_days)
        self.credentials_hint = "".join(
            # The end of something short would be too much of it.
            cleaned[entry.api_name][-HINT_LENGTH:]
            for entry in self.kind.method(self.method).credentials
            if entry.is_hinted and len(cleaned.get(entry.api_name, "")) >= HINTED_LENGTH
        )[-HINT_LENGTH:]

    def _holds(self, cleaned: Mapping[str, str]) -> bool:
        """Whether these are the stored ones, for the present address and way. A proxy's login is none of them."""
        try:
            stored = self.credentials()
        except DecryptionError:
            return False
        return {**stored, LOGIN: ""} == {**cleaned, LOGIN: ""}

    def set_api_key(self, key: str) -> None:
        """As `set_credentials`, for an app that takes an API key alone."""
        self.set_credentials({"apiKey": key})

    def credentials(self) -> dict[str, str]:
        """What is sealed, by API name: for clients alone. Raises DecryptionError."""
        if not self.sealed_credentials:
            raise NoApiKey(self._nothing_stored())
        try:
            found = json.loads(unseal(self.sealed_credentials, context=self.credentials_context()))
        except DecryptionError as error:
            what = self.kind.secret_words
            raise DecryptionError(f"Could not read the {what} of connection “{self.name}”. {error}") from error
        return {str(name): str(text) for name, text in found.items()}

    @property
    def life(self) -> "KeyLife":
        """Until when its credentials hold, as far as that is known."""
        try:
            return self.key_life
        except KeyLife.DoesNotExist:
            return KeyLife(connection=self)

    def route(self) -> Route:
        """How to come to its host."""
        return taken(self.kind.hosts.route_to(self.base_url), self.parameters, login=self._proxy_login())

    def _proxy_login(self) -> str:
        """The stored one of the proxy; "" if there is none for the present address and way."""
        if not self.sealed_credentials or PROXY.api_name not in self.parameters:
            return ""
        try:
            return self.credentials().get(LOGIN, "")
        except DecryptionError:
            return ""

    def why_not_allowed(self) -> str:
        """Why nothing may be sent to its address, as a sentence; "" if it may."""
        hosts = self.kind.hosts
        if hosts.is_allowed(self.base_url):
            problem = why_not(self.base_url, self.parameters)
            return f"Nothing was sent through connection “{self.name}”. {problem}" if problem else ""
        return (
            f"Nothing was sent: {self.base_url}, the base URL of connection “{self.name}”, is not among the hosts "
            f"that {hosts.setting} allows. Correct it, or have the host added there."
        )

    def open_client(self, *, fence: Callable[[], None] | None = None, patience: timedelta | None = None) -> DevinClient:
        """A client for a connection to Devin, to be closed by the caller. With `patience`, a person waits for it."""
        return open_client(self, fence=fence, patience=patience)

    def verify(self) -> None:
        """Ask the service who the credentials are, and record it. Never inside a transaction: it is a network call."""
        try:
            identity = self.identify()
        except ConnectionFailed as error:
            self.mark_invalid(error.message)
            raise
        self.mark_valid(identity)

    def identify(self) -> Identity:
        """Who the stored credentials are, by the service. A person waits for this, so it gives up early."""
        return self.kind.identify(self)

    def describe_as(self, identity: Identity) -> None:
        """Take over what the service said about the credentials. The row is not saved."""
        self.org_id = identity.org_id[:255]
        self.principal_type = identity.principal_type[:64]
        self.principal_name = identity.name[:255]
        self.is_valid, self.validation_message, self.validated_at = True, "", timezone.now()
        self.organizations_due_at = self.audit_logs_due_at = timezone.now()

    def describe_principal(self, *, organization: bool = True) -> str:
        """Who the credentials are, in words: “sync-bot (service user), organization org-1”. Empty if never told."""
        identity = Identity(self.principal_type, self.principal_name, self.org_id)
        return self.kind.describe(identity, organization=organization)

    def mark_valid(self, identity: Identity) -> None:
        self.describe_as(identity)
        self.save(
            update_fields=[
                "org_id",
                "principal_type",
                "principal_name",
                "is_valid",
                "validation_message",
                "validated_at",
                "organizations_due_at",
                "audit_logs_due_at",
            ]
        )
        KeyLife.objects.filter(connection_id=self.pk).update(due_at=timezone.now())

    def mark_invalid(self, message: str) -> None:
        """Not where the credentials are others by now: what was said is of those that were read here."""
        if not Connection.objects.filter(pk=self.pk, sealed_credentials=self.sealed_credentials).exists():
            return
        self.is_valid, self.validation_message, self.validated_at = False, message[:1024], timezone.now()
        self.save(update_fields=["is_valid", "validation_message", "validated_at"])

    def mark_working(self) -> None:
        """The service has just accepted the credentials."""
        self.is_valid, self.validation_message, self.validated_at = True, "", timezone.now()
        self.save(update_fields=["is_valid", "validation_message", "validated_at"])

    def forget_refused_login(self) -> None:
        """A login has just worked, so the next one need not wait."""
        AccessToken.objects.filter(connection_id=self.pk).update(refused_until=None)

    def mark_rate_limited(self, retry_after: timedelta) -> None:
        self.rate_limited_until = timezone.now() + retry_after
        self.save(update_fields=["rate_limited_until"])

    @property
    def rate_limited_for(self) -> timedelta:
        """What is left of the time that the service asked to wait."""
        until = self.rate_limited_until
        return max(until - timezone.now(), timedelta(0)) if until else timedelta(0)

    def has_api_key(self, key: str) -> bool:
        """Whether this is the one that is stored."""
        return bool(self.sealed_credentials) and hmac.compare_digest(self._api_key().encode(), key.encode())

    def _api_key(self) -> str:
        return self.credentials()["apiKey"]

    def _nothing_stored(self) -> str:
        if self.app == self.App.DEVIN:
            return (
                f"The connection “{self.name}” has no API key yet: enter it in the admin, or let `apply` take it from "
                "an environment variable, which api_key_env names in its file."
            )
        return f"The connection “{self.name}” has no {self.kind.secret_words} yet: enter it in the admin."


class KeyLife(models.Model):
    """Until when the credentials of a connection hold, and who says so: the service, or a person where it does not.

    `expires_at` is empty where nothing is known, and where the service says that they do not expire.
    """

    connection = models.OneToOneField(
        Connection, primary_key=True, on_delete=models.CASCADE, related_name="key_life", serialize=False
    )
    expires_at = models.DateTimeField("expires", null=True)
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.UNKNOWN, db_default=Origin.UNKNOWN)
    asked_at = models.DateTimeField("last asked", null=True)
    is_refused = models.BooleanField(default=False, db_default=False, help_text="The key may not ask.")
    due_at = models.DateTimeField(default=timezone.now, db_default=Now(), help_text="When to ask the service again.")
    former_expires_at = models.DateTimeField(null=True, help_text="What was entered for credentials that are gone.")

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="key_life_expires_at")]

    def __str__(self) -> str:
        return f"life of the key of {self.connection_id}"

    @property
    def is_told(self) -> bool:
        """The service says it, so nobody enters it."""
        return self.origin == Origin.TOLD and not self.is_refused

    @property
    def known(self) -> str:
        """In one word: unknown, entered, told or never."""
        if self.origin == Origin.TOLD and self.expires_at is None:
            return "never"
        return self.origin or "unknown"

    def enter(self, expires_at: datetime | None) -> None:
        """What a person says; nothing takes it back."""
        self.expires_at = expires_at
        self.origin = Origin.UNKNOWN if expires_at is None else Origin.ENTERED
        self.former_expires_at = None
        self.save()

    def hear(self, expires_at: datetime | None) -> None:
        """What the service says of the key; None if it does not expire. It wins over what a person said."""
        self.expires_at, self.origin, self.former_expires_at = expires_at, Origin.TOLD, None
        self._note_asked(is_refused=False)

    def hear_nothing(self) -> None:
        """The service does not tell, or not all of it: what is known stays, and a person may say more."""
        self._note_asked(is_refused=True)

    def _note_asked(self, *, is_refused: bool) -> None:
        self.is_refused = is_refused
        self.asked_at = timezone.now()
        self.due_at = self.asked_at + ASKED_EVERY
        self.save()

    def forget(self) -> None:
        """The credentials are others now; the service may be asked about them at once."""
        entered = self.expires_at if self.origin == Origin.ENTERED else self.former_expires_at
        self.former_expires_at = entered
        self.expires_at, self.origin, self.asked_at, self.is_refused = None, Origin.UNKNOWN, None, False
        self.due_at = timezone.now()
        self.save()


class Organization(models.Model):
    """One that the key of a connection lists, as its enterprise calls it. `gone_at` says since when it does no more."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="organizations")
    org_id = models.CharField("organization ID", max_length=255)
    name = models.CharField(max_length=255, blank=True)
    first_seen_at = models.DateTimeField("first seen", default=timezone.now)
    last_seen_at = models.DateTimeField("last seen", default=timezone.now)
    gone_at = models.DateTimeField("gone since", null=True)

    class Meta:
        ordering = ["name", "org_id"]
        constraints = [models.UniqueConstraint(fields=["connection", "org_id"], name="organization_unique")]

    def __str__(self) -> str:
        return self.name or self.org_id


class AccessToken(models.Model):
    """A token that a login brought, sealed, for all processes; and a refusal, so that none of them tries on and on."""

    connection = models.OneToOneField(
        Connection, primary_key=True, on_delete=models.CASCADE, related_name="access_token", serialize=False
    )
    sealed_token = models.TextField(blank=True, editable=False, serialize=False)
    # Which credentials brought it, as a hash of their sealed form: others make it void.
    credentials = models.CharField(max_length=64)
    renew_at = models.DateTimeField(null=True)
    refused_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"access token of {self.connection_id}"

    def context(self) -> str:
        return f"connections.AccessToken/{self.connection_id}/sealed_token/{self.credentials}"


class RequestBudget(models.Model):
    """How many requests of one sort a service still allows a connection, whichever process sends them.

    A `limit` of 0 is not known.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="budgets")
    sort = models.CharField(max_length=16)
    limit = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    resets_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "sort"], name="one_budget_a_sort")]

    def __str__(self) -> str:
        return f"{self.sort} of {self.connection_id}: {self.left} of {self.limit}"
