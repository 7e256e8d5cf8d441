"""How near the end of a key is, in steps and in words. Pure: a time in, a step and words out.

A day that a person enters counts from its beginning, in the installation's time zone: rather too early than too late.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import TextChoices
from django.utils import timezone

from theme.times import from_now

# So long before its end a key is warned of, again and again.
STEPS = (timedelta(days=14), timedelta(days=3), timedelta(days=1))
AHEAD = STEPS[0]
# Of a key that ends after the next of them, at it, and so on; the last is that of one that has ended.
TONES = ("", "waiting", "blocked", "failed", "failed")
# Beyond it there is no time in every time zone.
LAST = datetime(9999, 1, 1, tzinfo=UTC)
DAY = "%d %b %Y"


class Origin(TextChoices):
    """Who says when a key expires."""

    UNKNOWN = "", "Not known"
    ENTERED = "entered", "Entered by a person"
    TOLD = "told", "Told by the service"


def _now() -> datetime:
    return timezone.now()


@dataclass(frozen=True)
class Expiry:
    """The end of a key, and when that is looked at."""

    at: datetime
    now: datetime = field(default_factory=_now)

    @property
    def is_over(self) -> bool:
        return self.at <= self.now

    @property
    def step(self) -> int:
        """How many of the warnings it has passed; one more than there are of them once it is over."""
        left = self.at - self.now
        return sum(left <= step for step in (*STEPS, timedelta()))

    @property
    def tone(self) -> str:
        """ "" while it is far."""
        return TONES[self.step]

    @property
    def words(self) -> str:
        """“Expires in 3 days”, “Expired 2 hours ago”."""
        return f"{'Expired' if self.is_over else 'Expires'} {from_now(self.at)}"

    @property
    def day(self) -> str:
        """“04 Mar 2027”."""
        return timezone.localtime(self.at).strftime(DAY)


def first_moment_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def why_not(at: datetime) -> str:
    """Why nobody can enter this as the end of a key, as a sentence; "" if one can."""
    if at <= timezone.now():
        return "That is past. Enter when it will expire, or nothing if that is not known."
    return (
        "" if at < LAST else "No key lasts that long. Enter the year with four digits, or nothing if it never expires."
    )
