"""Instructions in plain words, held against the dataclass that they are for: names, kinds of values, no number below 0.

Without this, a word of the wrong kind would be taken, and break some later request instead of this one.
"""

import math
import types
from collections.abc import Collection
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

NUMBERS = {int: "a whole number", float: "a number"}


class BadInstruction(ValueError):
    """An instruction that the sandbox does not understand; says what it would."""


def allow(given: Any, names: Collection[str]) -> dict[str, Any]:
    """The instruction itself, if it is an object with none but these names."""
    if not isinstance(given, dict):
        raise BadInstruction(f"An object was expected. Known: {', '.join(sorted(names))}.")
    if unknown := set(given) - set(names):
        raise BadInstruction(f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(names))}.")
    return given


def check(given: dict[str, Any], shape: type) -> dict[str, Any]:
    """The instruction itself, if its values are what fields of the dataclass may hold."""
    hints = get_type_hints(shape)
    for name, value in given.items():
        if not fits(value, hints[name]):
            raise BadInstruction(f"{name} must be {in_words(hints[name])}.")
    return given


def texts(given: dict[str, Any], name: str) -> list[str]:
    """A list of texts, empty where it is not given. A text alone is none: it would be read letter by letter."""
    if not fits(found := given.get(name, []), list[str]):
        raise BadInstruction(f"{name} must be {in_words(list[str])}.")
    return list(found)


def fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in get_args(hint))
    if origin is dict:
        return isinstance(value, dict) and all(isinstance(part, str) for pair in value.items() for part in pair)
    if origin is not None:
        return isinstance(value, list) and all(isinstance(part, str) for part in value)
    if hint in NUMBERS:
        return isinstance(value, (int, hint)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    if issubclass(hint, StrEnum):
        return value in list(hint)
    return isinstance(value, hint)


def in_words(hint: Any) -> str:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(in_words(one) for one in get_args(hint))
    if origin is dict:
        return "an object of texts"
    if origin is not None:
        return "a list of texts"
    if hint in NUMBERS:
        return f"{NUMBERS[hint]} from 0"
    if issubclass(hint, StrEnum):
        return f"one of {', '.join(hint)}"
    return {str: "a text", bool: "true or false", types.NoneType: "null"}[hint]
