"""Times and spans of time in words, the same on every page."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
EXACT = "%d %b %Y, %H:%M:%S %Z"
JUST_NOW = 10
FEW_SECONDS = 10


def moment(at: datetime | None, *, otherwise: str = "never") -> SafeString | str:
    """ "3 minutes ago" as an element that has the exact time as title; where there is none, `otherwise`."""
    if at is None:
        return otherwise
    exact = timezone.localtime(at).strftime(EXACT)
    return format_html(
        '<time class="ds-nowrap" datetime="{}" title="{}">{}</time>', at.isoformat(), exact, from_now(at)
    )


def due(at: datetime | None, *, otherwise: str = "never") -> SafeString | str:
    """As `moment`, but what is overdue is due "now"."""
    return "now" if at is not None and at <= timezone.now() else moment(at, otherwise=otherwise)


def from_now(at: datetime) -> str:
    """ "just now", "3 minutes ago", "now", "in 2 hours": in the largest unit that fits."""
    seconds = (timezone.now() - at).total_seconds()
    if abs(seconds) < JUST_NOW:
        return "just now" if seconds >= 0 else "now"
    words = _counted(*_in_units(abs(seconds))[0])
    return f"{words} ago" if seconds >= 0 else f"in {words}"


def duration(span: timedelta) -> str:
    """ "1.2 seconds", "15 minutes", "2 hours 5 minutes": the largest unit and the one below it."""
    seconds = span.total_seconds()
    if seconds < FEW_SECONDS:
        return f"{seconds:.1f} seconds"
    return " ".join(_counted(count, unit) for count, unit in _in_units(seconds)[:2] if count)


def _in_units(seconds: float) -> list[tuple[int, str]]:
    """How many of each unit, from the largest that fits down; less than a second is none."""
    parts: list[tuple[int, str]] = []
    left = int(seconds)
    for size, unit in UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, unit))
    return parts or [(0, "second")]


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
