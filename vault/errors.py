"""The vault's errors. No message ever holds a value.

VaultError
├── SourceError             a folder cannot be read whole, so it is not read at all
│   ├── FolderMissing       no such project, environment or folder
│   ├── ReferenceMissing    a `${…}` points to nothing, or is none
│   ├── ReferenceCycle      references that lead back to themselves
│   ├── DuplicateKey        the same key in two folders that are read together
│   └── Unreadable          a stored value does not decrypt, or the vault would not hold still (retryable)
└── EditingError            a change was refused; `field` says which input is to blame, if one is
    ├── Invalid             the input breaks a rule
    ├── Taken               there is one of that name already
    ├── Missing             there is none of that name
    ├── Outdated            somebody else changed it first
    ├── NotAllowed          it would move values that this person or token may not read
    ├── InUse               others depend on what would go
    └── KeptElsewhere       the project's secrets are in another source, where they are changed
"""

from collections.abc import Iterable
from uuid import UUID


class VaultError(Exception):
    retryable = False
    field = ""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable


class SourceError(VaultError):
    """`secret_id` is the secret at fault, if one is; `places` are the folders that the message tells of, by environment
    and path."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        secret_id: UUID | None = None,
        places: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message, retryable=retryable)
        self.secret_id = secret_id
        self.places = frozenset(places)


class FolderMissing(SourceError):
    pass


class ReferenceMissing(SourceError):
    pass


class ReferenceCycle(SourceError):
    pass


class DuplicateKey(SourceError):
    pass


class Unreadable(SourceError):
    pass


class EditingError(VaultError):
    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Invalid(EditingError):
    pass


class Taken(EditingError):
    pass


class Missing(EditingError):
    pass


class Outdated(EditingError):
    pass


class InUse(EditingError):
    pass


class NotAllowed(EditingError):
    pass


class KeptElsewhere(EditingError):
    pass
