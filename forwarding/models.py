"""How far the audit log has been sent to each target."""

from django.db import models
from django.utils import timezone


class Progress(models.Model):
    """Of one target, known by a digest of its address, which may hold what is nobody's business.

    `position` is that of the last line that arrived. Whoever sends holds `claim` until `claimed_until`.
    """

    target = models.CharField(max_length=64, primary_key=True)
    label = models.CharField(max_length=255)
    position = models.PositiveBigIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    problem = models.CharField(max_length=500, blank=True)
    claim = models.CharField(max_length=32, blank=True)
    claimed_until = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "progress"

    def __str__(self) -> str:
        return f"{self.label}: {self.position}"
