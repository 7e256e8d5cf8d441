"""`Connection`: the address and the encrypted credentials of a service, and what it last said about them.

The credentials are sealed to the row and to its base URL. With another base URL they do not open, so that nobody can
have a stored API key sent to an address of their own choice.
"""

import hmac
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from common.patterns import validate_slug
from connections.devin.client import DevinClient
from connections.devin.errors import DevinError, Unreachable
from connections.devin.types import Principal
from connections.fields import BaseURLField, NameField
from connections.hosts import is_allowed, route_to
from connections.validation import clean_api_key
from encryption import DecryptionError, seal, unseal

HINT_LENGTH = 4
HINTED_LENGTH = 20
# A person waits for one question to Devin this long, for a whole list so long, and for its leave after a 429 so long.
PATIENCE = timedelta(seconds=8)
PATIENCE_FOR_A_LIST = timedelta(seconds=15)
PATIENCE_AFTER_429 = timedelta(seconds=3)


def default_base_url() -> str:
    return str(settings.DEVIN_API_URL)


class ChangedMeanwhile(Exception):
    """Somebody else saved this connection after it was read here."""


class NoApiKey(DecryptionError):
    """There is nothing to decrypt: nobody has entered a key."""


class Connection(models.Model):
    """Whom we talk to, as whom."""

    class App(models.TextChoices):
        DEVIN = "devin", "Devin"
        INFISICAL = "infisical", "Infisical"

    class Method(models.TextChoices):
        API_KEY = "api-key", "API key"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = NameField(max_length=32, unique=True, validators=[validate_slug])
    description = models.CharField(max_length=256, blank=True)
    app = models.CharField(max_length=32, choices=App.choices, default=App.DEVIN)
    method = models.CharField(max_length=32, choices=Method.choices, default=Method.API_KEY)
    base_url = BaseURLField("base URL", max_length=255, default=default_base_url)
    # Not serialized: a fixture made by dumpdata holds no credentials, not even sealed ones.
    sealed_credentials = models.TextField(blank=True, editable=False, serialize=False)
    credentials_hint = models.CharField(max_length=HINT_LENGTH, blank=True, editable=False)
    concurrency = models.PositiveSmallIntegerField(
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(16)],
        help_text="How many requests may be under way at once. Shrinks by itself when Devin asks for patience.",
    )

    org_id = models.CharField("organization ID", max_length=255, blank=True, editable=False)
    principal_type = models.CharField(max_length=64, blank=True, editable=False)
    principal_name = models.CharField(max_length=255, blank=True, editable=False)
    validated_at = models.DateTimeField("last validated", null=True, editable=False)
    is_valid = models.BooleanField(null=True, editable=False)
    validation_message = models.CharField(max_length=1024, blank=True, editable=False)
    rate_limited_until = models.DateTimeField(null=True, editable=False)

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        permissions = [("use_connection", "Can test a connection and choose it for a sync")]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs: Any) -> None:
        """A whole save is a change: it takes the next version, or fails if somebody else took it first."""
        if self._state.adding or kwargs.get("update_fields") is not None:
            super().save(**kwargs)
            return
        with transaction.atomic():
            same = Connection.objects.filter(pk=self.pk, version=self.version)
            if not same.update(version=self.version + 1):
                raise ChangedMeanwhile(f"Connection “{self.name}” was changed by somebody else. Load it again.")
            self.version += 1
            super().save(**kwargs)

    def credentials_context(self) -> str:
        return f"connections.Connection/{self.pk}/sealed_credentials/{self.base_url}"

    def set_api_key(self, key: str) -> None:
        """Seal a new API key for the present base URL. The row is not saved."""
        key = clean_api_key(key)
        self.sealed_credentials = seal(json.dumps({"apiKey": key}), context=self.credentials_context())
        # The end of a short key would be too much of it.
        self.credentials_hint = key[-HINT_LENGTH:] if len(key) >= HINTED_LENGTH else ""

    def open_client(self, *, fence: Callable[[], None] | None = None, patience: timedelta | None = None) -> DevinClient:
        """A client for the stored key, to be closed by the caller.

        With `patience`, a person waits for all its calls together.
        """
        deadline = settings.DEVIN_REQUEST_DEADLINE
        if patience is None:
            write_deadline = min(settings.DEVIN_WRITE_DEADLINE, deadline)
            return self._open(deadline=deadline, write_deadline=write_deadline, fence=fence)
        return self._open(
            deadline=min(deadline, patience), fence=fence, patience=patience, tries=2, longest_wait=PATIENCE_AFTER_429
        )

    def verify(self) -> None:
        """Ask Devin who the key is, and record the answer. Never inside a transaction: it is a network call."""
        try:
            principal = self.identify()
        except DevinError as error:
            self.mark_invalid(error.message)
            raise
        self.mark_valid(principal)

    def identify(self) -> Principal:
        """Who the stored key is, by Devin. A person waits for this, so it gives up early."""
        with self.open_client(patience=PATIENCE) as client:
            return client.get_self()

    def describe_as(self, principal: Principal) -> None:
        """Take over what Devin said about the key. The row is not saved."""
        self.org_id = principal.org_id[:255]
        self.principal_type = principal.principal_type[:64]
        self.principal_name = principal.name[:255]
        self.is_valid, self.validation_message, self.validated_at = True, "", timezone.now()

    def describe_principal(self, *, organization: bool = True) -> str:
        """Who the API key is, in words: “sync-bot (service user), organization org-1”. Empty if never told."""
        kind = self.principal_type.replace("_", " ")
        who = f"{self.principal_name} ({kind})" if self.principal_name else kind
        return f"{who}, organization {self.org_id}" if organization and self.org_id else who

    def mark_valid(self, principal: Principal) -> None:
        self.describe_as(principal)
        self.save(
            update_fields=[
                "org_id",
                "principal_type",
                "principal_name",
                "is_valid",
                "validation_message",
                "validated_at",
            ]
        )

    def mark_invalid(self, message: str) -> None:
        self.is_valid, self.validation_message, self.validated_at = False, message[:1024], timezone.now()
        self.save(update_fields=["is_valid", "validation_message", "validated_at"])

    def mark_working(self) -> None:
        """Devin has just accepted the key."""
        self.is_valid, self.validation_message, self.validated_at = True, "", timezone.now()
        self.save(update_fields=["is_valid", "validation_message", "validated_at"])

    def mark_rate_limited(self, retry_after: timedelta) -> None:
        self.rate_limited_until = timezone.now() + retry_after
        self.save(update_fields=["rate_limited_until"])

    @property
    def rate_limited_for(self) -> timedelta:
        """What is left of the time that Devin asked to wait."""
        until = self.rate_limited_until
        return max(until - timezone.now(), timedelta(0)) if until else timedelta(0)

    def _open(self, **options: Any) -> DevinClient:
        if not is_allowed(self.base_url):
            raise Unreachable(
                f"Nothing was sent: {self.base_url}, the base URL of connection “{self.name}”, is not among the hosts "
                "that DEVIN_HOSTS allows. Correct it, or have the host added there.",
                retryable=False,
            )
        return DevinClient(
            base_url=self.base_url,
            api_key=self._api_key(),
            concurrency=self.concurrency,
            name=self.name,
            closed_for=self.rate_limited_for,
            route=route_to(self.base_url),
            **options,
        )

    def has_api_key(self, key: str) -> bool:
        """Whether this is the one that is stored."""
        return bool(self.sealed_credentials) and hmac.compare_digest(self._api_key().encode(), key.encode())

    def _api_key(self) -> str:
        if not self.sealed_credentials:
            raise NoApiKey(
                f"The connection “{self.name}” has no API key yet: enter it in the admin, or let `apply` take it from "
                "an environment variable, which api_key_env names in its file."
            )
        try:
            credentials = json.loads(unseal(self.sealed_credentials, context=self.credentials_context()))
        except DecryptionError as error:
            raise DecryptionError(f"Could not read the API key of connection “{self.name}”. {error}") from error
        return str(credentials["apiKey"])
