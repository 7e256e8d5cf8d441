"""Whether a folder holds what it held when a writer of ours last left it.

Values are sealed to their places one by one; that alone would not tell whether a row is missing, or is an older one
that was sealed to the same place. So each folder carries a sealed sum: of a digest of each of its secrets (which one,
its key, its version) and of each of its imports (which one, of what, at which place in the list). Whoever may write to
the database and lacks the encryption keys can change rows, but not make the sum fit.

A writer adds and takes away what it writes itself, and nothing else: what somebody else changed stays out of the sum.
"""

import hashlib
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from encryption import DecryptionError, seal, unseal
from vault.models import Folder, Stored

MODULUS = 1 << 256


class Import(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def source_id(self) -> UUID: ...
    @property
    def position(self) -> int: ...


def secret_part(row: Stored) -> int:
    return _digest(f"secret\0{row.id.hex}\0{row.key}\0{row.version}\0{int(row.is_literal)}")


def sum_of_imports(rows: Iterable[Import]) -> int:
    return sum(_digest(f"import\0{row.id.hex}\0{row.source_id.hex}\0{row.position}") for row in rows)


def holds(folder: Folder, secrets: Iterable[Stored], imports: Iterable[Import]) -> bool:
    """Whether these are what it was sealed with."""
    return sealed_sum(folder) == (sum(map(secret_part, secrets)) + sum_of_imports(imports)) % MODULUS


def seal_sum(folder: Folder, total: int) -> str:
    return seal(f"{total % MODULUS:x}", context=folder.sealing_context())


def sealed_sum(folder: Folder) -> int | None:
    """What it is sealed to hold; None if the seal does not open here, or there is none."""
    try:
        return int(unseal(folder.seal, context=folder.sealing_context()), 16)
    except DecryptionError:
        return None


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
