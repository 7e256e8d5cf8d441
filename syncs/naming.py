"""Which secrets of a source a sync takes, and what each is called in Devin. Pure.

*Only keys* and *except keys* are names or patterns of keys of the source, *only tags* and *except tags* the same of the
tags that a secret carries there; it has to fit all four. *Key renames* are pairs of a key and the name that it goes on
under; the key schema comes last. A line each: `STRIPE_*`, `devin`, `DB_URL=DATABASE_URL`.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property
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
KEY, TAG = "key", "tag"
EXAMPLES = {KEY: "STRIPE_*", TAG: "devin-*"}
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
    def only_tags(self) -> str: ...
    @property
    def except_tags(self) -> str: ...
    @property
    def key_renames(self) -> str: ...


def parse_patterns(text: str, *, of: str = KEY) -> tuple[str, ...]:
    """Names and patterns, each once, in their order. Raises InvalidKeySchema, which names the line."""
    return tuple(dict.fromkeys(_check_pattern(number, line, of) for number, line in _lines(text, EXAMPLES[of])))


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


def normal_tags(text: str) -> str:
    return "\n".join(parse_patterns(text, of=TAG))


def normal_renames(text: str) -> str:
    return "\n".join(f"{key}={name}" for key, name in parse_renames(text).items())


def _lines(text: str, example: str = EXAMPLES[KEY]) -> list[tuple[int, str]]:
    if len(text) > LONGEST_TEXT:
        raise InvalidKeySchema(f"That is longer than {LONGEST_TEXT:,} characters. Use patterns such as {example}.")
    parts = (
        (number, part.strip()) for number, line in enumerate(text.splitlines(), start=1) for part in line.split(",")
    )
    found = [(number, part) for number, part in parts if part]
    if len(found) > MOST_LINES:
        raise InvalidKeySchema(
            f"Those are {len(found):,} lines; {MOST_LINES} are possible. Use patterns such as {example}."
        )
    return found


def _check_pattern(number: int, line: str, of: str) -> str:
    if not PATTERN.fullmatch(line) or len(line) > LONGEST_LINE:
        advice = f"Write one a line, without spaces: {EXAMPLES[of]}."
        raise InvalidKeySchema(f"Line {number} is no {of} and no pattern. {advice}")
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
    only_tags: tuple[str, ...] = ()
    excepted_tags: re.Pattern[str] = NOTHING
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
            parse_patterns(sync.only_tags, of=TAG),
            _one_of(parse_patterns(sync.except_tags, of=TAG)),
            parse_renames(sync.key_renames),
        )

    def takes(self, source_key: str, tags: Collection[str]) -> bool:
        return self.takes_key(source_key) and self.takes_tags(tags)

    def takes_key(self, source_key: str) -> bool:
        return (self.only is None or bool(self.only.match(source_key))) and not self.excepted.match(source_key)

    def takes_tags(self, tags: Collection[str]) -> bool:
        is_chosen = not self.only_tags or any(map(self._chosen_tags.match, tags))
        return is_chosen and not any(map(self.excepted_tags.match, tags))

    def idle_tags(self, there: Collection[str]) -> list[str]:
        """Of the tags that are to choose secrets, those that are like none that there are: perhaps mistyped."""
        return [pattern for pattern in self.only_tags if not any(map(_one_of([pattern]).match, there))]

    @cached_property
    def _chosen_tags(self) -> re.Pattern[str]:
        return _one_of(self.only_tags)

    def render(self, source_key: str) -> str:
        """What a key that is taken is called in Devin."""
        return self.schema.render(self.renames.get(source_key, source_key), environment=self.environment)

    def names(self, tags: Mapping[str, Collection[str]]) -> dict[str, str]:
        """Of keys of the source with the tags of their secrets, those that are taken, by what they are called in Devin.

        Raises InvalidKeySchema where two would be called the same.
        """
        takers: dict[str, list[str]] = defaultdict(list)
        for key, its in tags.items():
            if self.takes(key, its):
                takers[self.render(key)].append(key)
        clashes = sorted(name for name, keys in takers.items() if len(keys) > 1)
        if clashes:
            told = "; ".join(
                f"{' and '.join(sorted(takers[name]))} would both be {name} in Devin" for name in clashes[:MOST_NAMED]
            )
            raise InvalidKeySchema(f"{told}. Change the key renames, or leave one of them out with “except keys”.")
        return {name: keys[0] for name, keys in takers.items()}

    def matches(self, destination_key: str) -> bool:
        """Whether some key of the source would be taken, with the right tags, and called this."""
        inner = self.schema.inner(destination_key, environment=self.environment)
        if inner is None:
            return False
        renamed = [key for key, name in self.renames.items() if name == inner]
        return any(map(self.takes_key, renamed)) or (inner not in self.renames and self.takes_key(inner))

    @property
    def takes_all(self) -> bool:
        return self.only is None and not self.schema.has_fixed_part
