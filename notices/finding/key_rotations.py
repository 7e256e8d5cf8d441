"""Rotations of connections' keys that failed, stand still, or left an old key that a person is to revoke in Devin."""

from collections.abc import Iterator
from uuid import UUID

from django.urls import reverse

from common import clock
from connections.rotation.models import KeyRotation, Outcome
from connections.rotation.troubles import failed, leaving_the_old_key, standing_still
from notices.facts import Fact
from notices.models import Incident

FAILED, STILL, KEPT = "key-not-rotated", "key-rotation-still", "old-key-kept"


def troubled() -> Iterator[Fact]:
    now = clock.now()
    found = KeyRotation.objects.filter(failed(now) | standing_still(now) | leaving_the_old_key())
    for rotation in found.select_related("connection"):
        yield _fact(rotation)


def _fact(rotation: KeyRotation) -> Fact:
    what = f"API key of connection “{rotation.connection.name}”"
    link = reverse("admin:connections_connection_change", args=[rotation.connection_id])
    match rotation.outcome:
        case Outcome.FAILED:
            # One incident, however many attempts fail.
            subject, title = f"{FAILED}:{rotation.connection_id}", f"The {what} was not rotated"
        case Outcome.OLD_KEPT:
            subject, title = f"{KEPT}:{rotation.pk}", f"The {what} was rotated, but its old one still lives"
        case _:
            subject, title = f"{STILL}:{rotation.pk}", f"The rotation of the {what} stands still"
    return Fact(subject, title, _text(rotation), link)


def _text(rotation: KeyRotation) -> str:
    if rotation.is_over:
        return rotation.message
    since = f"Asked for on {rotation.created_at:%d %b %Y, %H:%M} UTC, it comes to no end"
    waits = rotation.message or "Look whether a scheduler runs."
    return f"{since} ({rotation.get_step_display().lower()}). {waits} A key works meanwhile."


def how_it_went_on(incident: Incident) -> str:
    kind, _, subject = incident.subject.partition(":")
    if kind == STILL:
        rotation = KeyRotation.objects.filter(pk=subject).first()
        return f"It has ended: {rotation.message}" if rotation else "The connection was deleted."
    if kind == FAILED:
        return _how_a_failure_went_on(UUID(subject))
    return "The key was rotated again, or is another one, or its connection was deleted."


def _how_a_failure_went_on(connection_id: UUID) -> str:
    ended = KeyRotation.objects.filter(connection=connection_id, ended_at__isnull=False).order_by("-ended_at").first()
    if ended is None:
        return "The connection was deleted."
    if ended.outcome == Outcome.FAILED:
        return "The connection has another key by now, or no schedule of rotation any more."
    return f"The next attempt did: {ended.message}"
