"""Tokens: how they look, and what is kept of them. Pure.

    dst_0123456789ab_Zm9v…       kind, public prefix, 256 random bits

The prefix finds the row; the digest of the whole proves the token. SHA-256 is enough: nobody guesses 256 random bits.
"""

import hmac
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

API_TOKEN = "dst"  # noqa: S105
ACCESS_TOKEN = "dsa"  # noqa: S105
CLIENT_SECRET = "dsc"  # noqa: S105
SHAPE = re.compile(r"(?P<prefix>(?P<kind>ds[tac])_[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
# What an unknown prefix is compared with, so that it takes as long as a known one.
NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class Token:
    kind: str
    prefix: str
    text: str = field(repr=False)

    @classmethod
    def new(cls, kind: str) -> Self:
        prefix = f"{kind}_{secrets.token_hex(6)}"
        return cls(kind, prefix, f"{prefix}_{secrets.token_urlsafe(32)}")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = SHAPE.fullmatch(text)
        return cls(match["kind"], match["prefix"], text) if match else None

    @property
    def digest(self) -> str:
        return sha256(self.text.encode()).hexdigest()

    def proves(self, digest: str | None) -> bool:
        return hmac.compare_digest(self.digest, digest or NO_DIGEST)
