"""Hooks of linked projects, and which messages they have taken. Of a message only a digest is kept."""

from secrets import token_urlsafe
from uuid import uuid4

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from encryption import seal, unseal
from sources.models import LinkedProject


class Hook(models.Model):
    """Where a linked project's source sends its messages. The secret that signs them is shared, so it is sealed."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    link = models.OneToOneField(LinkedProject, on_delete=models.CASCADE, related_name="hook")
    sealed_secret = models.TextField(editable=False, serialize=False)
    last_delivery_at = models.DateTimeField(null=True, editable=False)
    last_event = models.CharField(max_length=64, blank=True, editable=False)
    last_problem = models.CharField(max_length=255, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "webhook"

    def __str__(self) -> str:
        return f"webhook of {self.link}"

    def context(self) -> str:
        return f"api.Hook/{self.pk}/sealed_secret"

    def renew_secret(self) -> str:
        """A new secret, to be shown once. The row is not saved."""
        secret = token_urlsafe(32)
        self.sealed_secret = seal(secret, context=self.context())
        return secret

    def secret(self) -> str:
        return unseal(self.sealed_secret, context=self.context())

    def note_delivery(self, event: str, problem: str) -> None:
        self.last_delivery_at, self.last_event, self.last_problem = timezone.now(), event, problem
        self.save(update_fields=["last_delivery_at", "last_event", "last_problem"])

    def note_refusal(self, problem: str) -> None:
        self.last_problem = problem[:255]
        self.save(update_fields=["last_problem"])


class HookDelivery(models.Model):
    """A message that was taken, by a digest of it, so that it is taken once."""

    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="deliveries")
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hook", "digest"], name="hook_takes_a_message_once")]

    def __str__(self) -> str:
        return f"message to {self.hook_id}"

    @classmethod
    def remember(cls, hook: Hook, digest: str) -> bool:
        """False if it had come before. Of two at once, the second waits until it is clear what becomes of the first."""
        try:
            with transaction.atomic():
                cls.objects.create(hook=hook, digest=digest)
        except IntegrityError:
            return False
        return True
