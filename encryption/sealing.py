"""Seals text to one place and one key, and makes fingerprints that tell nothing to those without the key.

A token is `ds1.<key id>.<base64url(nonce + ciphertext)>`, AES-256-GCM. Its associated data are the key id and a context
that names the row and field, so a token copied to another place does not open there.
"""

import base64
import binascii
import hmac
import os

from cryptography.exceptions import InvalidTag

from encryption.errors import DecryptionError, EncryptionError
from encryption.keyring import Key, current_keyring

VERSION = "ds1"
NONCE_BYTES = 12
KEY_ID_LENGTH = 8
NOT_HERE = "Its data does not belong here or was altered: restore the row from a backup, or enter the value again."


def seal(plaintext: str, *, context: str) -> str:
    """Encrypt under the newest key, bound to `context`."""
    key = current_keyring().newest
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = key.cipher.encrypt(nonce, _encode(plaintext), _associated_data(key.id, context))
    return f"{VERSION}.{key.id}.{base64.urlsafe_b64encode(nonce + ciphertext).decode()}"


def unseal(token: str, *, context: str) -> str:
    """Decrypt what `seal` made for the same context."""
    key_id, payload = _split(token)
    key = current_keyring().keys.get(key_id)
    if key is None:
        raise DecryptionError(f"Sealed with encryption key {key_id}, which ENCRYPTION_KEYS lacks. Add that key again.")
    try:
        plaintext = key.cipher.decrypt(payload[:NONCE_BYTES], payload[NONCE_BYTES:], _associated_data(key_id, context))
    except (InvalidTag, ValueError):
        raise DecryptionError(f"Could not open data sealed with encryption key {key_id}. {NOT_HERE}") from None
    return plaintext.decode()


def fingerprint(*parts: str, key_id: str | None = None) -> str:
    """A keyed hash, `<key id>:<hex>`, that is equal only for equal parts under the same key.

    Without a key id, or with one that is no longer there, the newest key is taken: the result then differs from the
    old fingerprint in its id, which says that nothing can be compared.
    """
    keyring = current_keyring()
    key = keyring.keys.get(key_id or "", keyring.newest)
    return f"{key.id}:{hmac.digest(key.fingerprint_key, _joined(parts), 'sha256').hex()}"


def sign(*parts: str) -> bytes:
    """A signature of some parts under the newest key: 32 bytes, of which any number from the start will do."""
    return _signature(current_keyring().newest, parts)


def is_signed(signature: bytes, *parts: str) -> bool:
    """Whether it is the start of what `sign` made of these parts, under any of the keys."""
    keys = current_keyring().keys.values()
    return any(hmac.compare_digest(signature, _signature(key, parts)[: len(signature)]) for key in keys)


def _signature(key: Key, parts: tuple[str, ...]) -> bytes:
    # The name keeps signatures and fingerprints apart, which have one key.
    return hmac.digest(key.fingerprint_key, b"signature" + _joined(parts), "sha256")


def current_key_id() -> str:
    return current_keyring().newest.id


def key_id_of(token_or_fingerprint: str) -> str:
    """The id of the key that made a token or a fingerprint; empty if it is neither."""
    if token_or_fingerprint.startswith(f"{VERSION}."):
        return token_or_fingerprint.split(".")[1]
    key_id, colon, _ = token_or_fingerprint.partition(":")
    return key_id if colon else ""


def _joined(parts: tuple[str, ...]) -> bytes:
    """The length before each part keeps ("ab", "c") and ("a", "bc") apart."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in map(_encode, parts))


def _split(token: str) -> tuple[str, bytes]:
    try:
        version, key_id, encoded = token.split(".")
        payload = base64.b64decode(encoded.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise DecryptionError(f"Found something that is not sealed data. {NOT_HERE}") from None
    if version != VERSION:
        raise DecryptionError("Sealed by a newer version of DevinSync. Run that version again.")
    return key_id, payload


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise EncryptionError("The text has half a surrogate pair, which is no character. Enter it again.") from None


def _associated_data(key_id: str, context: str) -> bytes:
    return f"{VERSION}\0{key_id}\0{context}".encode()
