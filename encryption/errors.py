"""The errors of encryption.

EncryptionError
└── DecryptionError   a token cannot be opened: unknown key, other place, damaged

No message contains plaintext, a key, or any part of a token but its key id.
"""


class EncryptionError(Exception):
    """Something could not be sealed, or the keys are not usable."""


class DecryptionError(EncryptionError):
    """A sealed token could not be opened. Trying again does not help: a person must look."""

    retryable = False
