"""Opening stored values, as they are stored: references unexpanded. For callers that have checked permission."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from encryption import DecryptionError, unseal
from vault.errors import Unreadable
from vault.models import Secret, SecretVersion, Stored, sealing_context

# By token and context, while somebody reads the same twice; None else: no value outlives its use.
_opened: ContextVar[dict[tuple[str, str], str] | None] = ContextVar("opened", default=None)


def open_value(secret: Secret) -> str:
    return open_stored(secret, place=secret.folder.place_of_secrets)


def open_stored(secret: Stored, *, place: str) -> str:
    """For who opens many, and knows the place of the folder's secrets."""
    return _open(secret.sealed_value, sealing_context(secret, place), name=secret.key, secret_id=secret.id)


def open_version(version: SecretVersion, *, key: str) -> str:
    return _open(
        version.sealed_value,
        version.sealing_context(),
        name=f"version {version.version} of {key}",
        secret_id=version.secret_id,
    )


@contextmanager
def opening_once() -> Iterator[None]:
    """Within it, what has been opened is not opened again where it stands unchanged: for who reads a folder twice."""
    token = _opened.set({})
    try:
        yield
    finally:
        _opened.reset(token)


def _open(sealed: str, context: str, *, name: str, secret_id: UUID) -> str:
    opened = _opened.get()
    if opened is None:
        return _unseal(sealed, context, name=name, secret_id=secret_id)
    if (sealed, context) not in opened:
        opened[sealed, context] = _unseal(sealed, context, name=name, secret_id=secret_id)
    return opened[sealed, context]


def _unseal(sealed: str, context: str, *, name: str, secret_id: UUID) -> str:
    try:
        return unseal(sealed, context=context)
    except DecryptionError as error:
        raise Unreadable(f"The stored value of {name} can't be read. {error}", secret_id=secret_id) from error
