"""Until when the keys of connections hold: which end soon, and what a page says of one."""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.expiry import AHEAD, Expiry, Origin
from connections.key_asking import may_be_told
from connections.models import Connection
from theme.badges import badge
from theme.times import moment


def expired() -> Q:
    return Q(key_life__expires_at__lte=timezone.now())


def expiring(now: datetime | None = None) -> Q:
    """Soon, or it has."""
    return Q(key_life__expires_at__lte=(now or timezone.now()) + AHEAD)


EXPIRING: Mapping[str, tuple[str, Callable[[], Q]]] = {
    "expiring": (f"Expires within {AHEAD.days} days, or expired", expiring),
    "expired": ("Expired", expired),
}


def told_of(connection: Connection) -> SafeString | str:
    """In a connection's page."""
    life = connection.life
    if life.expires_at is None:
        return _without_a_date(connection)
    end = Expiry(life.expires_at)
    shown = badge(end.tone, end.words) if end.tone else format_html("{}", moment(life.expires_at))
    asked = format_html(" {}", moment(life.asked_at)) if life.origin == Origin.TOLD and life.asked_at else ""
    return format_html('{} <span class="ds-muted">{}, {}{}</span>', shown, end.day, who_says(connection), asked)


def who_says(connection: Connection) -> str:
    """Of a date."""
    told = connection.life.origin == Origin.TOLD
    return f"{connection.kind.label} said so" if told else "as somebody entered it"


def _without_a_date(connection: Connection) -> SafeString | str:
    life, words = connection.life, connection.kind.secret_words
    if life.origin == Origin.TOLD:
        return format_html(
            'never <span class="ds-muted">{} said so {}</span>', connection.kind.label, moment(life.asked_at)
        )
    if life.former_expires_at:
        day = Expiry(life.former_expires_at).day
        return f"not known: {day} was entered for the {words} before this one"
    if life.asked_at is None and may_be_told(connection):
        return f"not known yet: {connection.kind.label} is asked within seconds, or after Test connection"
    return f"not known: {connection.kind.label} does not tell, and nobody has entered it"
