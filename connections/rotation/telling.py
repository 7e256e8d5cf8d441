"""What pages say of the rotations of a connection's key: its schedule, and how the last one went."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.models import Connection
from connections.rotation.asking import latest
from connections.rotation.models import KeyRotation, Outcome
from connections.rotation.troubles import stands_still
from theme.badges import badge
from theme.times import moment

TONES = {Outcome.DONE: "ok", Outcome.OLD_KEPT: "waiting", Outcome.FAILED: "failed"}


def badge_of(rotation: KeyRotation) -> tuple[str, str]:
    """The tone and the word."""
    if rotation.outcome:
        return TONES[Outcome(rotation.outcome)], Outcome(rotation.outcome).label
    return ("blocked", "Rotation stands still") if stands_still(rotation) else ("running", "Being rotated")


def told_of_rotation(connection: Connection) -> SafeString | str:
    """In a connection's page."""
    days, rotation = connection.rotate_every_days, latest(connection)
    schedule = f"every {days} days" if days else "not by schedule"
    if rotation is None:
        return schedule
    shown = badge(*badge_of(rotation))
    return format_html(
        '{} <span class="ds-muted">{}, {}</span> <div>{}</div>',
        *(shown, moment(rotation.ended_at or rotation.created_at), schedule, rotation.message),
    )
