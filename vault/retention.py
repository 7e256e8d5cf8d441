"""How long the versions of secrets are kept: those that were current at some time within it, and always the newest."""

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from common.cleaning import delete_some, register_cleaner
from vault.models import SecretVersion


def register() -> None:
    register_cleaner("old versions of secrets", clean_versions)


def clean_versions() -> bool:
    """A version's time runs from the day on which the next one took its place."""
    if not settings.SECRET_VERSIONS_KEPT:
        return False
    end = timezone.now() - settings.SECRET_VERSIONS_KEPT
    later = SecretVersion.objects.filter(
        secret_id=OuterRef("secret_id"), version__gt=OuterRef("version"), created_at__lt=end
    )
    return delete_some(SecretVersion.objects.filter(Exists(later), created_at__lt=end).order_by("pk"))
