"""When a secret's value is to be replaced by a new one: by a date, every so many days, or whichever comes first. Pure.

A value that is entered anew within `AHEAD` of the date, or after it, is the rotation that the date was about.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

# How long before its day a secret is said to be due.
AHEAD = timedelta(days=14)
LONGEST_DAYS = 36_500


@dataclass(frozen=True)
class Rotation:
    """How it stands today."""

    due_on: date | None

    @property
    def is_due(self) -> bool:
        return self.due_on is not None and self.due_on <= last_day_of_due()

    @property
    def is_overdue(self) -> bool:
        return self.due_on is not None and self.due_on < timezone.localdate()

    @property
    def words(self) -> str:
        """ "Rotation overdue for 3 days", "Rotation due today", "Rotation due in 1 day"; "" while it is not due."""
        if self.due_on is None or not self.is_due:
            return ""
        days = (self.due_on - timezone.localdate()).days
        if not days:
            return "Rotation due today"
        counted = f"{abs(days):,} day{'' if abs(days) == 1 else 's'}"
        return f"Rotation due in {counted}" if days > 0 else f"Rotation overdue for {counted}"


def last_day_of_due() -> date:
    """A secret whose day is this one or an earlier one is due."""
    return timezone.localdate() + AHEAD


def first_due(*, rotated_on: date | None, every_days: int | None, rotate_by: date | None) -> date | None:
    days = [rotate_by] if rotate_by is not None else []
    if rotated_on is not None and every_days:
        days.append(rotated_on + timedelta(days=min(every_days, LONGEST_DAYS)))
    return min(days, default=None)


def is_met(rotate_by: date | None, *, on: date) -> bool:
    """Whether a value entered on a day is the rotation that was asked for by another."""
    return rotate_by is not None and on >= rotate_by - AHEAD
