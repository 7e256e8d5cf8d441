"""What a change would do outside of the vault, in words, and whether the person who makes it has seen that."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.http import HttpRequest

from vault.dangling import Dangling
from vault.editing import Actor
from vault.editing.telling import seen_dangling, seen_effects
from vault.effects import Effect, digest, foresee_all

NAMED = 10
MOST_DANGLING = 20


@dataclass(frozen=True)
class Told:
    """One reader, with a line for each thing that happens to it."""

    reader: str
    url: str
    lines: list[str]
    is_grave: bool


@dataclass(frozen=True)
class Foreseen:
    """`seen` goes into the form, so that what is done is what was shown."""

    told: list[Told]
    seen: str
    dangling: list[Dangling] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        return bool(self.told or self.dangling)

    @property
    def dangling_named(self) -> list[Dangling]:
        return self.dangling[:MOST_DANGLING]

    @property
    def dangling_left_out(self) -> int:
        return max(len(self.dangling) - MOST_DANGLING, 0)

    @property
    def is_grave(self) -> bool:
        return any(told.is_grave for told in self.told)


def look_ahead(edit: Callable[[], object], *, by: Actor) -> Foreseen:
    """Raises what the edit would raise."""
    found = foresee_all(edit, compares_values=by.can_reveal)
    effects, cut = seen_effects(found.effects, by), seen_dangling(found.dangling, by)
    return Foreseen([tell(effect) for effect in effects], digest(effects, cut), cut)


def is_agreed(request: HttpRequest, foreseen: Foreseen) -> bool:
    """Whether Devin stays as it is, or just this has been told to whoever sends the form."""
    return not foreseen.told or request.POST.get("seen") == foreseen.seen


def tell(effect: Effect) -> Told:
    lines = [
        line
        for verb, names, towards in (
            ("creates", effect.creates, "in"),
            ("replaces", effect.replaces, "in"),
            ("renames", [f"{old} → {new}" for old, new in effect.renames], "in"),
            ("deletes", effect.deletes, "from"),
        )
        if (line := _line(verb, names, f"{towards} {effect.where} {effect.remark}"))
    ]
    if effect.problem:
        lines = [f"would fail, and what it wrote would stay in {effect.where}: {effect.problem}"]
    if effect.note:
        lines = [effect.note]
    return Told(effect.reader, effect.url, lines, effect.is_grave)


def _line(verb: str, names: Sequence[str], rest: str) -> str:
    return f"{verb} {enumerate_names(names)} {rest}" if names else ""


def enumerate_names(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - NAMED:,} more" if len(every) > NAMED else ""
    return ", ".join(every[:NAMED]) + more
