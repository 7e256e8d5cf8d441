"""What is kept of a person's sessions."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

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
