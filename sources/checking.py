"""What no answer of a source may be, whichever its kind: the last look before anything is planned by it."""

from collections.abc import Sequence

from sources.errors import Untrustworthy
from sources.protocol import Place, SourceSecret

LONGEST_KEY = 255


def check_read(place: Place, secrets: Sequence[SourceSecret], *, recursive: bool) -> None:
    """Raises Untrustworthy. Names keys at most, never a value."""
    seen: dict[str, SourceSecret] = {}
    for secret in secrets:
        check_key(secret.key)
        if (problem := _value_problem(secret.value)) is not None:
            raise Untrustworthy(f"The value of {secret.key} in {secret.environment_slug}:{secret.path} {problem}.")
        if (other := seen.setdefault(secret.key, secret)) is not secret:
            raise Untrustworthy(_twice(secret, other, recursive=recursive))


def check_key(key: object) -> None:
    if not isinstance(key, str):
        raise Untrustworthy(f"The source answered a key that is no text, but {type(key).__name__}. Rename it there.")
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise Untrustworthy(
            f"The source has a key that cannot be used: it is empty, longer than {LONGEST_KEY} characters, or has "
            "control characters. Rename it there."
        )


def _value_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return f"is no text, but {type(value).__name__}. Enter it as text in the source"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds half a character, which cannot be sent. Enter it again in the source"
    return None


def _twice(secret: SourceSecret, other: SourceSecret, *, recursive: bool) -> str:
    places = f"{other.environment_slug}:{other.path} and {secret.environment_slug}:{secret.path}"
    advice = "Rename one, or sync without subfolders" if recursive else "The source must tell which of them holds"
    return f"The key {secret.key} comes twice: from {places}. {advice}."
