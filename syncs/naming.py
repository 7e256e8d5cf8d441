"""Which keys of a source a sync takes, and what each is called in Devin. Pure.

*Only keys* and *except keys* are names or patterns of keys of the source, *key renames* pairs of such a key and the
name that it goes on under; the key schema comes last. A line each: `STRIPE_*`, `DB_URL=DATABASE_URL`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Protocol, Self

from syncs.errors import InvalidKeySchema
from syncs.key_schema import KeySchema

MOST_LINES = 500
LONGEST_LINE = 512
LONGEST_TEXT = 20_000
PATTERN = re.compile(r"[^\s=,]+")
PAIR = re.compile(r"([^\s=,]+)\s*(?:=|→|->)\s*([^\s=,]+)")
WILDCARDS = frozenset("*?[")
NOTHING = re.compile(r"(?!)")
MOST_NAMED = 3


class Named(Protocol):
    """What a sync says of its keys."""

    @property
    def environment_slug(self) -> str: ...
    @property
    def key_schema(self) -> str: ...
    @property
    def only_keys(self) -> str: ...
    @property
    def except_keys(self) -> str: ...
    @property
    def key_renames(self) -> str: ...


def parse_patterns(text: str) -> tuple[str, ...]:
    """Names and patterns, each once, in their order. Raises InvalidKeySchema, which names the line."""
    return tuple(dict.fromkeys(_check_pattern(number, line) for number, line in _lines(text)))


def parse_renames(text: str) -> dict[str, str]:
    """The new name by the key in the source. Raises InvalidKeySchema, which names the line."""
    renames: dict[str, str] = {}
    takers: dict[str, str] = {}
    for number, line in _lines(text):
        pair = PAIR.fullmatch(line)
        if pair is None:
            raise InvalidKeySchema(f"Line {number} is no rename. Write it as DB_URL=DATABASE_URL.")
        key, name = pair.groups()
        if not WILDCARDS.isdisjoint(line):
            raise InvalidKeySchema(f"Line {number} has a pattern. A rename is of one key: DB_URL=DATABASE_URL.")
        if renames.get(key, name) != name:
            raise InvalidKeySchema(f"Line {number} renames {key} a second time. Keep one of them.")
        if takers.setdefault(name, key) != key:
            raise InvalidKeySchema(
                f"Line {number} gives {key} the name {name}, which {takers[name]} has. Choose another."
            )
        renames[key] = name
    return renames


def normal_patterns(text: str) -> str:
    return "\n".join(parse_patterns(text))


def normal_renames(text: str) -> str:
    return "\n".join(f"{key}={name}" for key, name in parse_renames(text).items())


def _lines(text: str) -> list[tuple[int, str]]:
    if len(text) > LONGEST_TEXT:
        raise InvalidKeySchema(f"That is longer than {LONGEST_TEXT:,} characters. Use patterns such as STRIPE_*.")
    parts = (
        (number, part.strip()) for number, line in enumerate(text.splitlines(), start=1) for part in line.split(",")
    )
    found = [(number, part) for number, part in parts if part]
    if len(found) > MOST_LINES:
        raise InvalidKeySchema(
            f"Those are {len(found):,} lines; {MOST_LINES} are possible. Use patterns such as STRIPE_*."
        )
    return found


def _check_pattern(number: int, line: str) -> str:
    if not PATTERN.fullmatch(line) or len(line) > LONGEST_LINE:
        raise InvalidKeySchema(f"Line {number} is no key and no pattern. Write one a line, without spaces: STRIPE_*.")
    return line


def _one_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """Matches what any of them does: `*` is any text, `?` any character, `[AB]` one of these; case counts."""
    each = [translate(pattern) for pattern in patterns]
    return re.compile("|".join(each)) if each else NOTHING


@dataclass(frozen=True)
class Naming:
    schema: KeySchema
    environment: str
    only: re.Pattern[str] | None = None
    excepted: re.Pattern[str] = NOTHING
    renames: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, sync: Named) -> Self:
        """Raises InvalidKeySchema."""
        only = parse_patterns(sync.only_keys)
        return cls(
            KeySchema.parse(sync.key_schema),
            sync.environment_slug,
            _one_of(only) if only else None,
            _one_of(parse_patterns(sync.except_keys)),
            parse_renames(sync.key_renames),
        )

    def takes(self, source_key: str) -> bool:
        return (self.only is None or bool(self.only.match(source_key))) and not self.excepted.match(source_key)

    def render(self, source_key: str) -> str:
        """What a key that is taken is called in Devin."""
        return self.schema.render(self.renames.get(source_key, source_key), environment=self.environment)

    def names(self, source_keys: Iterable[str]) -> dict[str, str]:
        """The keys that are taken, by what they are called in Devin.

        Raises InvalidKeySchema where two would be called the same.
        """
        takers: dict[str, list[str]] = defaultdict(list)
        for key in source_keys:
            if self.takes(key):
                takers[self.render(key)].append(key)
        clashes = sorted(name for name, keys in takers.items() if len(keys) > 1)
        if clashes:
            told = "; ".join(
                f"{' and '.join(sorted(takers[name]))} would both be {name} in Devin" for name in clashes[:MOST_NAMED]
            )
            raise InvalidKeySchema(f"{told}. Change the key renames, or leave one of them out with “except keys”.")
        return {name: keys[0] for name, keys in takers.items()}

    def matches(self, destination_key: str) -> bool:
        """Whether some key of the source would be taken, and called this."""
        inner = self.schema.inner(destination_key, environment=self.environment)
        if inner is None:
            return False
        renamed = [key for key, name in self.renames.items() if name == inner]
        return any(self.takes(key) for key in renamed) or (inner not in self.renames and self.takes(inner))

    @property
    def takes_all(self) -> bool:
        return self.only is None and not self.schema.has_fixed_part
