"""What is kept of a person's sessions."""

from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from accounts.sessions import SessionStore


class Session(AbstractBaseSession):
    """`session_key` is a digest of what the cookie holds; see `accounts.sessions`."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+", editable=False
    )
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    seen_at = models.DateTimeField(auto_now=True)

    class Meta(AbstractBaseSession.Meta):
        verbose_name = "session"
        ordering = ["-seen_at"]
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> "type[SessionStore]":
        from accounts.sessions import SessionStore

        return SessionStore


class Device(models.Model):
    """A browser that somebody has logged in with: it is told from a guesser's. `digest` is of what its cookie holds."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    digest = models.CharField(max_length=64, unique=True)
    failures = models.PositiveSmallIntegerField(default=0)
    seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"A browser of {self.user}"


class Factor(models.Model):
    """What somebody has beside their password. Of an app the secret, sealed; of a key its public half, in base64."""

    class Kind(models.TextChoices):
        APP = "app", "Authenticator app"
        KEY = "key", "Security key or passkey"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=60)
    sealed_secret = models.TextField(blank=True)
    credential = models.TextField(blank=True)
    # Of a key: the site that browsers lend it to.
    host = models.CharField(max_length=253, blank=True)
    # The step of the app's last code that was taken, or what the key said last that it had counted.
    counter = models.PositiveBigIntegerField(default=0)
    added_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} “{self.name}”"

    def sealing_context(self) -> str:
        return f"accounts.Factor/{self.user_id}/{self.pk}/sealed_secret"


class RecoveryCode(models.Model):
    """One way in without the factor. Deleted as it is used."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    sealed_code = models.TextField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"A recovery code of {self.user}"

    def sealing_context(self) -> str:
        return f"accounts.RecoveryCode/{self.user_id}/{self.pk}/sealed_code"
