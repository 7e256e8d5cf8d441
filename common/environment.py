"""The settings' way to the environment: `.env` files, read like any other, and typed readers that fail loudly.

Every value is taken as it is written: a `$` refers to nothing, and a value that is not of its kind stops the start
instead of meaning something else. No message holds a value.
"""

import math
import os
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from common.database_urls import read_database_url
from common.dotenv import Parsed, parse
from common.path_prefixes import read_prefix

Value = TypeVar("Value")
YES = frozenset(["1", "true", "t", "yes", "y", "on"])
NO = frozenset(["0", "false", "f", "no", "n", "off"])
SHOWN = 5
# May be given as the path of a file as well, as container platforms hand out secrets: SECRET_KEY_FILE=/run/secrets/key.
IN_FILES = frozenset(
    {
        "AUDIT_STREAM_TOKEN",
        "DATABASE_URL",
        "DJANGO_SUPERUSER_PASSWORD",
        "ENCRYPTION_KEYS",
        "METRICS_TOKEN",
        "NEW_DATABASE_URL",
        "OUTBOUND_PROXY",
        "OUTGOING_PROXY",
        "REDIS_URL",
        "SECRET_KEY",
        "SENTRY_DSN",
        "SMTP_PASSWORD",
    }
)
# As those: what each provider of SSO_PROVIDERS shares with DevinSync alone.
IN_FILES_TOO = re.compile(r"SSO_[A-Z0-9_]+_CLIENT_SECRET")
# What a setting was called before. It is read under that name too, unless it is given under its own.
FORMER_NAMES = {"OUTBOUND_PROXY": "OUTGOING_PROXY", "OUTBOUND_CA_BUNDLE": "CA_BUNDLE"}


class BadEnvironment(ImproperlyConfigured):
    """A file or variable that can't be used; the message names it and says what to write instead."""


def read_file(path: Path) -> Parsed:
    """What is in a `.env` file, nothing if there is none; raises BadEnvironment for one that can't be read whole."""
    try:
        parsed = parse(path.read_bytes().decode())
    except (FileNotFoundError, NotADirectoryError):
        return Parsed()
    except OSError as error:
        raise BadEnvironment(f"Can't read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        # The decoder's error holds the file.
        raise BadEnvironment(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    if parsed.errors:
        more = len(parsed.errors) - SHOWN
        told = " ".join(map(str, parsed.errors[:SHOWN])) + (f" And {more} more." if more > 0 else "")
        raise BadEnvironment(f"{path} can't be read. {told}")
    return parsed


def load_file(path: Path, into: MutableMapping[str, str] = os.environ) -> None:
    """Sets what a `.env` file gives and the environment does not, be it as `NAME` or as `NAME_FILE`."""
    given = read_file(path).texts
    for name, text in given.items():
        if may_be_in_file(name) and given.get(name) and given.get(f"{name}_FILE"):
            raise BadEnvironment(f"{path} gives both {name} and {name}_FILE. Keep one of them.")
        if not _is_given_otherwise(name, into):
            into.setdefault(name, text)


def may_be_in_file(name: str) -> bool:
    return name in IN_FILES or bool(IN_FILES_TOO.fullmatch(name))


def is_given(name: str, variables: Mapping[str, str] = os.environ) -> bool:
    """Whether a variable is set, by itself or, where it is one of `IN_FILES`, by the file that it is in."""
    return bool(variables.get(name) or (may_be_in_file(name) and variables.get(f"{name}_FILE")))


def former_names_given(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The former names by which settings are given here, each with the one to use instead."""
    return {former: name for name, former in FORMER_NAMES.items() if is_given(former, variables)}


def _is_given_otherwise(name: str, variables: Mapping[str, str]) -> bool:
    other = name.removesuffix("_FILE") if name.endswith("_FILE") else f"{name}_FILE"
    return bool(variables.get(other)) and (may_be_in_file(name) or may_be_in_file(other))


# Within the class below these names are its readers.
Text = str
Flag = bool
Whole = int
Number = float


class Environment:
    """Reads variables by kind. One that is empty or blank counts as not set."""

    def __init__(self, variables: Mapping[Text, Text] = os.environ) -> None:
        self._variables = variables

    def str(self, name: Text, *, default: Text) -> Text:
        text = self._text(name)
        return text if text.strip() else default

    def bool(self, name: Text, *, default: Flag) -> Flag:
        return self._read(name, default, _as_bool, "neither yes nor no: write 1 or 0")

    def int(self, name: Text, *, default: Whole) -> Whole:
        return self._read(name, default, _as_int, "no whole number")

    def float(self, name: Text, *, default: Number) -> Number:
        return self._read(name, default, _as_float, "no number")

    def list(self, name: Text, *, default: Sequence[Text]) -> "list[Text]":
        """Parts between commas, without the blanks around them."""
        parts = [part.strip() for part in self._text(name).split(",")]
        return [part for part in parts if part] or [*default]

    def path(self, name: Text, *, default: Text) -> Text:
        """A path below the root of a host, as `/devinsync`; "" for the root itself."""
        return self._read(name, default, read_prefix, "no path such as /devinsync")

    def db(self, name: Text, *, default: Text) -> dict[Text, Any]:
        return self._read(
            name, read_database_url(default), read_database_url, "no address of a PostgreSQL or SQLite database"
        )

    def _text(self, name: Text) -> Text:
        former = FORMER_NAMES.get(name, "")
        if not former or not is_given(former, self._variables):
            return self._own_text(name)
        if is_given(name, self._variables):
            raise BadEnvironment(f"{name} and {former}, its former name, are both set. Keep {name}.")
        return self._own_text(former)

    def _own_text(self, name: Text) -> Text:
        text = self._variables.get(name, "")
        path = self._variables.get(f"{name}_FILE", "") if may_be_in_file(name) else ""
        if not path:
            return text
        if text:
            raise BadEnvironment(f"{name} and {name}_FILE are both set. Keep one of them.")
        return _content_of(path, f"{name}_FILE")

    def _read(self, name: Text, default: Value, convert: Callable[[Text], Value], fault: Text) -> Value:
        text = self._text(name).strip()
        if not text:
            return default
        try:
            return convert(text)
        except Exception:
            # Whatever a converter says may hold the value.
            raise BadEnvironment(f"{name} is {fault}. See .env.example.") from None


def _content_of(path: str, name: str) -> str:
    """Without the line break that editors put at the end. The path is not repeated: it may be the secret itself, by
    mistake."""
    try:
        text = Path(path).read_bytes().decode().removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as error:
        # What cannot be decoded is a ValueError too, and so is a path that holds a zero.
        reason = (error.strerror if isinstance(error, OSError) else "") or "it is no path of a text file"
        raise BadEnvironment(f"{name} names a file that can't be read: {reason}.") from None
    if not text.strip():
        raise BadEnvironment(f"{name} names a file that is empty.")
    if "\n" in text or "\0" in text:
        raise BadEnvironment(f"{name} names a file that has more than one line.")
    return text


def _as_bool(text: str) -> bool:
    word = text.lower()
    if word not in YES | NO:
        raise ValueError
    return word in YES


def _as_int(text: str) -> int:
    if not text.isascii():
        raise ValueError
    return int(text)


def _as_float(text: str) -> float:
    number = float(text)
    if not text.isascii() or not math.isfinite(number):
        raise ValueError
    return number


env = Environment()
