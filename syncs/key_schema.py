"""The key schema: how source keys become destination keys. Pure.

`PROD_{{secretKey}}` is plain substitution: exactly one `{{secretKey}}`, any number of `{{environment}}`, otherwise
letters, digits, `_`, `-` and `/`.
"""

import re
from dataclasses import dataclass
from typing import Self

from django.core.exceptions import ValidationError

from syncs.errors import InvalidKeySchema

SECRET_KEY = "{{secretKey}}"  # noqa: S105
ENVIRONMENT = "{{environment}}"
LONGEST_SCHEMA = 255
ALLOWED = re.compile(r"([A-Za-z0-9_\-/]|\{\{secretKey\}\}|\{\{environment\}\})*")


@dataclass(frozen=True)
class KeySchema:
    """A parsed key schema: what stands before and after the source key, `{{environment}}` still in place."""

    before: str = ""
    after: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Empty means: the key as it is."""
        if not text:
            return cls()
        if len(text) > LONGEST_SCHEMA:
            raise InvalidKeySchema(f"A key schema has at most {LONGEST_SCHEMA} characters; this one has {len(text)}.")
        if not ALLOWED.fullmatch(text):
            raise InvalidKeySchema(
                "A key schema may hold letters, digits, “_”, “-”, “/”, {{secretKey}} and {{environment}}, "
                "without spaces. Example: PROD_{{secretKey}}"
            )
        if text.count(SECRET_KEY) != 1:
            raise InvalidKeySchema("A key schema holds {{secretKey}} exactly once. Example: PROD_{{secretKey}}")
        before, after = text.split(SECRET_KEY)
        return cls(before, after)

    def _fixed(self, environment: str) -> tuple[str, str]:
        return self.before.replace(ENVIRONMENT, environment), self.after.replace(ENVIRONMENT, environment)

    def render(self, source_key: str, *, environment: str) -> str:
        before, after = self._fixed(environment)
        return f"{before}{source_key}{after}"

    def matches(self, destination_key: str, *, environment: str) -> bool:
        """Whether some source key would be rendered to this."""
        return self.inner(destination_key, environment=environment) is not None

    def inner(self, destination_key: str, *, environment: str) -> str | None:
        """The source key that would be rendered to this; None if there can't be one."""
        before, after = self._fixed(environment)
        has_room = len(destination_key) > len(before) + len(after)
        if not (has_room and destination_key.startswith(before) and destination_key.endswith(after)):
            return None
        return destination_key[len(before) : len(destination_key) - len(after)]

    @property
    def has_fixed_part(self) -> bool:
        return bool(self.before or self.after)

    def overlaps(self, other: Self, *, environment: str, other_environment: str) -> bool:
        """Whether some key could match both: one's start begins the other's, and likewise their ends."""
        before, after = self._fixed(environment)
        other_before, other_after = other._fixed(other_environment)
        starts = before.startswith(other_before) or other_before.startswith(before)
        ends = after.endswith(other_after) or other_after.endswith(after)
        return starts and ends


def validate_key_schema(text: str) -> None:
    """For form and model fields. Raises ValidationError with what is allowed."""
    try:
        KeySchema.parse(text)
    except InvalidKeySchema as error:
        raise ValidationError(error.message) from None
