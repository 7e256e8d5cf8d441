"""TRANSFORM KEYS: the key schema turns source keys into destination keys. Pure.

`PROD_{{secretKey}}` is plain substitution: exactly one `{{secretKey}}`, any number of `{{environment}}`, otherwise
letters, digits, `_`, `-` and `/`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from syncs.errors import InvalidKeySchema

SECRET_KEY = "{{secretKey}}"  # noqa: S105
ENVIRONMENT = "{{environment}}"
LONGEST_SCHEMA = 255
ALLOWED = re.compile(r"([A-Za-z0-9_\-/]|\{\{secretKey\}\}|\{\{environment\}\})*")
NOT_IN_VARIABLE = re.compile(r"[^A-Za-z0-9_]")

# Names that change what a shell, an interpreter or a linker in Devin's sessions does.
RISKY_VARIABLES = frozenset(
    [
        "BASH_ENV",
        "ENV",
        "GIT_SSH_COMMAND",
        "HOME",
        "IFS",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "NODE_OPTIONS",
        "PATH",
        "PERL5LIB",
        "PS4",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "RUBYOPT",
        "SHELL",
    ]
)


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
        before, after = self._fixed(environment)
        return (
            len(destination_key) > len(before) + len(after)
            and destination_key.startswith(before)
            and destination_key.endswith(after)
        )

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


def variable_name(destination_key: str) -> str:
    """The environment variable that Devin's sessions see for a key (Terraform provider docs)."""
    name = NOT_IN_VARIABLE.sub("_", destination_key)
    return f"_{name}" if name[:1].isdigit() else name


def key_warnings(destination_keys: Iterable[str]) -> list[str]:
    """What a person should know of how these keys will look to Devin's sessions, a sentence each."""
    warnings = []
    by_variable: dict[str, list[str]] = defaultdict(list)
    for key in sorted(destination_keys):
        variable = variable_name(key)
        by_variable[variable].append(key)
        if variable != key:
            warnings.append(f"{key} is not an environment variable name: Devin shows it to its sessions as {variable}.")
        if variable in RISKY_VARIABLES:
            warnings.append(f"{key} changes how programs run in Devin's sessions. Rename it unless you mean that.")
    for variable, keys in by_variable.items():
        if len(keys) > 1:
            warnings.append(f"{', '.join(keys)} all become {variable}: Devin adds _2 and so on to the later ones.")
    return warnings
