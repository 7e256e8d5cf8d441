"""Who changed a secret in Devin that was found changed, foreign or gone, as Devin's audit log tells it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Author:
    """`did` is "created", "updated" or "deleted", `at` in Unix seconds; all are empty where the log does not say."""

    did: str = ""
    name: str = ""
    at: int | None = None

    @property
    def who(self) -> str:
        return self.name or "somebody"

    @property
    def when(self) -> datetime | None:
        return datetime.fromtimestamp(self.at, UTC) if self.at is not None else None

    @property
    def deed(self) -> str:
        return f"{self.did or 'changed'} in Devin by {self.who}"

    def __str__(self) -> str:
        return f"{self.deed}, {self.when:%d %b %Y, %H:%M} UTC" if self.when else self.deed


SOMEBODY = Author()


@dataclass(frozen=True)
class Authors:
    """Those that the log names, by `subject`; all others are somebody."""

    found: Mapping[str, Author]

    def of(self, subject: str) -> Author:
        return self.found.get(subject, SOMEBODY)

    def as_json(self) -> dict[str, Any]:
        return {subject: asdict(author) for subject, author in self.found.items()}


def subject(key: str, secret_id: str, *, is_deletion: bool) -> str:
    """What a change is about: a key that is written, or the very secret that would be deleted."""
    return f"id:{secret_id}" if is_deletion else f"key:{key}"
