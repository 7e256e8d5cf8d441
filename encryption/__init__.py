"""Encrypts, decrypts and fingerprints; the only importer of `cryptography`.

Text goes in, a sealed token comes out that only its own place can open again. Nothing here ever logs, prints or raises
what it was given.
"""

from encryption.errors import DecryptionError, EncryptionError
from encryption.registry import register_fingerprints, register_sealed
from encryption.sealing import current_key_id, fingerprint, is_signed, key_id_of, seal, sign, unseal

__all__ = [
    "DecryptionError",
    "EncryptionError",
    "current_key_id",
    "fingerprint",
    "is_signed",
    "key_id_of",
    "register_fingerprints",
    "register_sealed",
    "seal",
    "sign",
    "unseal",
]
