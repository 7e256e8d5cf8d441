"""Who may use the API: machine identities with client secrets and access tokens, and long-lived API tokens.

No token is stored: a row keeps a public prefix and a digest. And what the API remembers between requests: counts,
failed log-ins and the answers to requests with an Idempotency-Key.
"""

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any, Self
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from accounts.machines import PREFIX
from api.auth.scopes import SCOPES
from api.auth.tokens import ACCESS_TOKEN, API_TOKEN, CLIENT_SECRET, Token

LONGEST_TTL = 315_360_000
DEFAULT_TTL = 2_592_000
USED_EVERY = timedelta(minutes=1)


def validate_scopes(scopes: object) -> None:
    if not isinstance(scopes, list) or any(scope not in SCOPES for scope in scopes):
        raise ValidationError(f"Choose scopes of these: {', '.join(SCOPES)}.")


def validate_networks(networks: object) -> None:
    if not isinstance(networks, list):
        raise ValidationError("Enter a list of addresses or networks, such as 10.0.0.0/8.")
    for network in networks:
        try:
            ip_network(network)
        except (ValueError, TypeError):
            raise ValidationError(
                f"“{str(network)[:60]}” is no address or network. Enter one such as 10.0.0.0/8."
            ) from None


class Credential(models.Model):
    """What a token, an access token and a client secret have in common."""

    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField("created", auto_now_add=True)
    expires_at = models.DateTimeField("expires", null=True, blank=True, help_text="Empty: it does not expire.")
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    last_used_from = models.CharField(max_length=45, blank=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)

    class Meta:
        abstract = True

    def take(self, token: Token) -> None:
        """Keeps what proves a new token. The row is not saved."""
        self.prefix, self.digest = token.prefix, token.digest

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and not self.is_expired

    def revoke(self) -> None:
        """For good, from the next request on."""
        self.revoked_at = self.revoked_at or timezone.now()
        self.save(update_fields=["revoked_at"])

    def note_use(self, address: str) -> None:
        """At most once a minute, so that reading does not become writing."""
        now = timezone.now()
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USED_EVERY)
        if self.last_used_at is None or self.last_used_at < now - USED_EVERY:
            rows = type(self)._default_manager.filter(stale, pk=self.pk)
            rows.update(last_used_at=now, last_used_from=address[:45])


class ApiToken(Credential):
    """A long-lived token of a user, with that user's rights of this moment or fewer."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        help_text="The token can do what this user can do at the time of each request.",
    )
    name = models.CharField(max_length=64)
    scopes = models.JSONField(default=list, blank=True, validators=[validate_scopes])
    allowed_networks = models.JSONField(default=list, blank=True, validators=[validate_networks])

    # The token itself, on the object that was just made, for the one page that shows it.
    shown_once: str | None = None

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def issue(cls, user: User, name: str, *, expires_at: datetime | None = None, **fields: Any) -> tuple[Self, str]:
        """The saved row, and the token: this is the only time that it can be shown."""
        token = Token.new(API_TOKEN)
        row = cls(user=user, name=name, expires_at=expires_at, **fields)
        row.take(token)
        row.full_clean()
        row.save(force_insert=True)
        return row, token.text


class MachineIdentityQuerySet(models.QuerySet["MachineIdentity"]):
    def with_last_use(self) -> Self:
        """With `secret_used_at` and `…_from`, and the same of access tokens, which do not stay for ever."""
        columns = {}
        for name, model in (("secret", ClientSecret), ("token", AccessToken)):
            used = model.objects.filter(identity=OuterRef("pk"), last_used_at__isnull=False).order_by("-last_used_at")
            columns[f"{name}_used_at"] = Subquery(used.values("last_used_at")[:1])
            columns[f"{name}_used_from"] = Subquery(used.values("last_used_from")[:1])
        return self.annotate(**columns)


class MachineIdentity(models.Model):
    """A program that logs in with a client id and a client secret, and acts with the rights of its role."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=64, unique=True)
    description = models.CharField(max_length=256, blank=True)
    client_id = models.UUIDField("client ID", default=uuid4, unique=True, editable=False)
    role = models.ForeignKey(
        Group, on_delete=models.PROTECT, related_name="+", help_text="The group whose rights it has."
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="machine_identity", editable=False
    )
    is_enabled = models.BooleanField("enabled", default=True)
    scopes = models.JSONField(default=list, blank=True, validators=[validate_scopes])
    allowed_networks = models.JSONField(default=list, blank=True, validators=[validate_networks])
    token_ttl = models.PositiveIntegerField(
        "access token lifetime (seconds)",
        default=DEFAULT_TTL,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_TTL)],
    )
    token_max_ttl = models.PositiveIntegerField(
        "longest lifetime with renewals (seconds)",
        default=DEFAULT_TTL,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_TTL)],
    )
    created_at = models.DateTimeField("created", auto_now_add=True)

    objects = MachineIdentityQuerySet.as_manager()

    class Meta:
        verbose_name = "machine identity"
        verbose_name_plural = "machine identities"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.token_ttl and self.token_max_ttl and self.token_ttl > self.token_max_ttl:
            raise ValidationError({"token_ttl": "A lifetime cannot be longer than the one with renewals."})

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Its user is made with it and follows it: no password, no admin, the rights of the role."""
        if self.user_id is None:
            self.user = User.objects.create_user(f"{PREFIX}{self.id}")
        User.objects.filter(pk=self.user_id).update(
            is_active=self.is_enabled, is_staff=False, is_superuser=False, last_name=self.name[:64]
        )
        super().save(*args, **kwargs)
        self.user.groups.set([self.role])
        if not self.is_enabled:
            # For good: enabling the identity again must not revive what somebody may have copied.
            self.access_tokens.filter(revoked_at=None).update(revoked_at=timezone.now())

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        user = self.user
        answer = super().delete(*args, **kwargs)
        user.delete()
        return answer

    def add_secret(self, *, description: str = "", expires_at: datetime | None = None) -> "tuple[ClientSecret, str]":
        """The saved row, and the secret: this is the only time that it can be shown."""
        token = Token.new(CLIENT_SECRET)
        row = ClientSecret(identity=self, description=description, expires_at=expires_at)
        row.take(token)
        row.save(force_insert=True)
        return row, token.text


class ClientSecret(Credential):
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    identity = models.ForeignKey(MachineIdentity, on_delete=models.CASCADE, related_name="client_secrets")
    description = models.CharField(max_length=256, blank=True)

    class Meta:
        verbose_name = "client secret"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def issue_access_token(self) -> "tuple[AccessToken, str]":
        """The saved row, and the token: this is the only time that it can be shown."""
        token, now = Token.new(ACCESS_TOKEN), timezone.now()
        row = AccessToken(
            identity=self.identity,
            client_secret=self,
            expires_at=now + timedelta(seconds=self.identity.token_ttl),
            last_renewal_at=now + timedelta(seconds=self.identity.token_max_ttl),
        )
        row.take(token)
        row.save(force_insert=True)
        return row, token.text


class AccessToken(Credential):
    """What a machine identity got for its client secret; can be renewed until `last_renewal_at`.

    It ends with the secret: whoever revokes one that leaked means what was got for it too.
    """

    identity = models.ForeignKey(MachineIdentity, on_delete=models.CASCADE, related_name="access_tokens")
    client_secret = models.ForeignKey(ClientSecret, on_delete=models.CASCADE, related_name="access_tokens")
    last_renewal_at = models.DateTimeField()

    class Meta:
        verbose_name = "access token"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def renew(self) -> None:
        until = timezone.now() + timedelta(seconds=self.identity.token_ttl)
        self.expires_at = min(until, self.last_renewal_at)
        self.save(update_fields=["expires_at"])


class ReadNote(models.Model):
    """When a token's reading of values at a place was last noted in the log, so that a minute of it is one note."""

    credential = models.CharField(max_length=16)
    place = models.CharField(max_length=64)
    detail = models.CharField(max_length=64)
    noted_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["credential", "place", "detail"], name="api_read_note_once"),
        ]

    def __str__(self) -> str:
        return f"{self.credential} at {self.place}"


class LoginFailures(models.Model):
    """Failed log-ins of one client id, known or not."""

    client_id_digest = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["last_at"])]

    def __str__(self) -> str:
        return f"{self.count} failures"


class RequestCount(models.Model):
    """How many requests somebody sent in one window of time."""

    caller = models.CharField(max_length=64, primary_key=True)
    window = models.PositiveBigIntegerField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["window"])]

    def __str__(self) -> str:
        return f"{self.count} requests"


class IdempotencyKey(models.Model):
    """The answer to a request that was sent with an Idempotency-Key; sealed, since answers may hold values."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    # Of method, path and body: a keyed hash, because the body may hold values.
    fingerprint = models.CharField(max_length=128)
    sealed_answer = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="api_idempotency_key")]
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return self.key

    def sealing_context(self) -> str:
        return f"api.IdempotencyKey/{self.pk}/sealed_answer"


from api.hooks.models import Hook, HookDelivery  # noqa: E402, F401 -- rows of this app
