"""Rotations that ended long ago are forgotten: whatever they may have left in Devin, later ones have revoked."""

from datetime import timedelta

from django.utils import timezone

from common.cleaning import delete_some, register_cleaner
from connections.rotation.models import KeyRotation

KEPT = timedelta(days=400)


def clean_rotations() -> bool:
    return delete_some(KeyRotation.objects.filter(ended_at__lt=timezone.now() - KEPT).order_by("ended_at"))


def register() -> None:
    register_cleaner("old key rotations", clean_rotations)
