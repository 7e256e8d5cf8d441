"""Dates that come: keys that run out, and secrets whose rotation is due. Both are told once, ahead of the date."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from api.models import ApiToken, ClientSecret
from common import clock
from notices.facts import Fact, counted
from vault.models import Folder, Secret
from vault.rotation import last_day_of_due

AHEAD = timedelta(days=14)
# A key that ran out longer ago is no news.
NEWS = timedelta(days=7)


def expiring_keys() -> Iterator[Fact]:
    now = clock.now()
    soon: dict[str, Any] = {"revoked_at": None, "expires_at__gt": now - NEWS, "expires_at__lte": now + AHEAD}
    for token in ApiToken.objects.filter(**soon):
        link = reverse("admin:api_apitoken_change", args=[token.pk])
        yield _of_key(f"token:{token.pk}", f"API token “{token.name}”", token.expires_at, link)
    for secret in ClientSecret.objects.filter(**soon, identity__is_enabled=True).select_related("identity"):
        link = reverse("admin:api_machineidentity_change", args=[secret.identity_id])
        name = f"Client secret {secret} of machine identity “{secret.identity.name}”"
        yield _of_key(f"client-secret:{secret.pk}", name, secret.expires_at, link)


def _of_key(subject: str, name: str, at: datetime | None, link: str) -> Fact:
    assert at is not None  # noqa: S101 - it was asked for by this date
    verb = "expired" if at <= clock.now() else "expires"
    text = "Make a new one, give it to whoever uses the old one, and revoke that."
    return Fact(f"{subject}:{at:%Y%m%d%H%M%S}", f"{name} {verb} on {at:%d %b %Y, %H:%M} UTC", text, link)


def due_rotations() -> Iterator[Fact]:
    """Those of one folder and one day together."""
    rows = Secret.objects.filter(due_on__lte=last_day_of_due()).order_by("due_on", "key")
    keys: defaultdict[tuple[UUID, date], list[str]] = defaultdict(list)
    for folder_id, due_on, key in rows.values_list("folder_id", "due_on", "key"):
        if due_on is not None:
            keys[folder_id, due_on].append(key)
    folders = Folder.objects.select_related("environment__project").in_bulk({folder_id for folder_id, _ in keys})
    link = f"{reverse('admin:vault_secret_changelist')}?rotation=due"
    for (folder_id, due_on), names in keys.items():
        environment = folders[folder_id].environment
        verb = "is overdue since" if due_on < timezone.localdate() else "is due by"
        yield Fact(
            f"rotation:{folder_id}:{due_on:%Y%m%d}",
            f"The rotation of {len(names)} secret{'' if len(names) == 1 else 's'} {verb} {due_on:%d %b %Y}",
            f"{environment.project.name}, {environment.name}, {folders[folder_id].path}: {counted(names)}.",
            link,
            environment.project_id,
        )
