"""How long versions are kept."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from common.cleaning import cleaning
from tests.actors import ANYBODY
from vault import editing
from vault.models import Folder, Secret, SecretVersion
from vault.retention import clean_versions


def make_versions(folder: Folder, key: str, *days_ago: int) -> Secret:
    """One version for each of these ages, oldest first."""
    for number in range(len(days_ago)):
        editing.set_secret(folder, key, str(number), by=ANYBODY)
    secret = Secret.objects.get(folder=folder, key=key)
    for number, days in enumerate(days_ago, start=1):
        secret.versions.filter(version=number).update(created_at=timezone.now() - timedelta(days=days))
    return secret


def versions(secret: Secret) -> list[int]:
    return sorted(SecretVersion.objects.filter(secret=secret).values_list("version", flat=True))


@pytest.mark.postgresql
def test_keeps_what_was_current_within_the_time(root: Folder, settings: LazySettings) -> None:
    settings.SECRET_VERSIONS_KEPT = timedelta(days=365)
    changed_often = make_versions(root, "A", 900, 800, 400, 200, 1)
    changed_lately = make_versions(root, "B", 900, 1)
    never_changed = make_versions(root, "C", 900)

    assert clean_versions() is False

    # Until 200 days ago the version of 400 days ago was the one that counted.
    assert versions(changed_often) == [3, 4, 5]
    assert versions(changed_lately) == [1, 2]
    assert versions(never_changed) == [1]
    assert "old versions of secrets" in set(cleaning())


def test_what_is_left_can_be_restored(root: Folder, settings: LazySettings) -> None:
    settings.SECRET_VERSIONS_KEPT = timedelta(days=365)
    secret = make_versions(root, "A", 900, 800, 1)
    clean_versions()

    restored = editing.restore_version(secret, 2, by=ANYBODY)

    assert (restored.version, versions(secret)) == (4, [2, 3, 4])


def test_versions_can_be_kept_for_ever(root: Folder, settings: LazySettings) -> None:
    settings.SECRET_VERSIONS_KEPT = timedelta(0)
    secret = make_versions(root, "A", 900, 800)

    assert clean_versions() is False

    assert versions(secret) == [1, 2]
