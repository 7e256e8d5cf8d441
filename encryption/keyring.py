"""The keys of settings.ENCRYPTION_KEYS, newest first, and what is derived from each.

A key is never used itself: sealing, fingerprints and the key's public id each have a key of their own, derived by HKDF,
so that none of them tells anything about another.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32


@dataclass(frozen=True)
class Key:
    """One encryption key in its derived parts; only the id may be shown."""

    id: str
    cipher: AESGCM = field(repr=False)
    fingerprint_key: bytes = field(repr=False)


@dataclass(frozen=True)
class Keyring:
    keys: dict[str, Key]

    @property
    def newest(self) -> Key:
        return next(iter(self.keys.values()))


def current_keyring() -> Keyring:
    """The keys as the settings have them now. Parsed once for each distinct setting."""
    return _parse(tuple(settings.ENCRYPTION_KEYS))


def generate_key() -> str:
    """A new random key in the form that ENCRYPTION_KEYS takes."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


@lru_cache(maxsize=8)
def _parse(encoded_keys: tuple[str, ...]) -> Keyring:
    if not encoded_keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty. Put in one made by `manage.py generate_encryption_key`.")
    keys: dict[str, Key] = {}
    for position, encoded in enumerate(encoded_keys, start=1):
        key = _derive(_decode(encoded, position))
        if key.id in keys:
            raise ImproperlyConfigured(f"ENCRYPTION_KEYS has key {key.id} twice. Remove one of the two.")
        keys[key.id] = key
    return Keyring(keys)


def _decode(encoded: str, position: int) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ImproperlyConfigured(
            f"Key {position} of ENCRYPTION_KEYS is not {KEY_BYTES} bytes in base64. "
            "Make one with `manage.py generate_encryption_key`."
        )
    return raw


def _derive(key: bytes) -> Key:
    return Key(
        id=hashlib.sha256(_hkdf(key, "key id")).hexdigest()[:8],
        cipher=AESGCM(_hkdf(key, "sealing")),
        fingerprint_key=_hkdf(key, "fingerprint"),
    )


def _hkdf(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"devinsync {purpose}".encode()).derive(key)
