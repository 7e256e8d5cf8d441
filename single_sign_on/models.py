"""Who somebody is at a provider."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from common.single_sign_on_settings import OPENID_CONNECT, SAML


class Identity(models.Model):
    """A person's subject at an issuer: by these alone they are known again, never by a name or an address.

    What one protocol calls a subject another may let people choose, as a user name: so it belongs to them.
    `groups` are those that the provider has given and will take away again; `made_superuser` likewise.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities", verbose_name="person"
    )
    protocol = models.CharField(
        max_length=16,
        choices=[(OPENID_CONNECT, "OpenID Connect"), (SAML, "SAML")],
        default=OPENID_CONNECT,
        db_default=OPENID_CONNECT,
        editable=False,
    )
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    groups = models.ManyToManyField(Group, related_name="+", blank=True, editable=False)
    made_superuser = models.BooleanField(default=False, editable=False)
    logged_in_at = models.DateTimeField("last log-in", null=True, editable=False)

    class Meta:
        verbose_name = "identity"
        verbose_name_plural = "identities"
        ordering = ["user__username", "issuer"]
        constraints = [
            models.UniqueConstraint(fields=["protocol", "issuer", "subject"], name="identity_of_one_person_each"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class Answer(models.Model):
    """What a provider of SAML has said, until the browser comes for it; then empty, and a sign that it was used."""

    key = models.CharField(max_length=64, primary_key=True)
    said = models.TextField()
    kept_until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return "answer of single sign-on"
