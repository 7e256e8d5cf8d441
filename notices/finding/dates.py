"""Dates that come: keys that run out, and secrets whose rotation is due.

Told ahead of the date: of a connection's key at each step towards it, of all else once.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from api.models import ApiToken, ClientSecret
from common import clock
from connections.expiry import LAST, STEPS, Expiry
from connections.key_life import expiring, who_says
from connections.models import Connection
from notices.facts import Fact, counted
from notices.models import Incident
from syncs.used_connections import is_used
from vault.models import Folder, Secret
from vault.rotation import last_day_of_due

AHEAD = timedelta(days=14)
WITHIN = tuple(f"within {step.days} day{'' if step.days == 1 else 's'}" for step in STEPS)
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


def connection_keys() -> Iterator[Fact]:
    """One fact a step, so that each is told once, and again where the key gets another end."""
    now = clock.now()
    for connection in Connection.objects.filter(is_used() & expiring(now)).select_related("key_life"):
        end = Expiry(connection.life.expires_at or LAST, now)
        what = f"The {connection.kind.secret_words} of connection “{connection.name}”"
        day = f"{end.at:%d %b %Y, %H:%M} UTC"
        yield Fact(
            f"{_subject(connection.pk, end.at)}:{end.step}",
            f"{what} expired on {day}" if end.is_over else f"{what} expires {WITHIN[end.step - 1]}, on {day}",
            f"{capfirst(who_says(connection))}. Make a new one and enter it on the connection's page: what uses the "
            "connection stands still without it.",
            reverse("admin:connections_connection_change", args=[connection.pk]),
        )


def how_a_key_went_on(incident: Incident) -> str:
    connection = Connection.objects.filter(pk=incident.subject.split(":")[1]).select_related("key_life").first()
    if connection is None:
        return "The connection was deleted."
    at = connection.life.expires_at
    if at is None or not incident.subject.startswith(f"{_subject(connection.pk, at)}:"):
        return "Its key is another one, or ends at another time."
    return "It is nearer by now, or nothing uses the connection any more."


def _subject(connection_id: UUID, at: datetime) -> str:
    return f"connection-key:{connection_id}:{at:%Y%m%d%H%M%S}"


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
