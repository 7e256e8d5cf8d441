"""The note on each secret we write: words for people, then a compact tag that we can read back. Pure.

`Synced by DevinSync from dev:/my-secrets [ds1 i=1f2e3d4c s=0a1b2c3d g=12 n=Zx…]`: installation, sync, generation and a
nonce for this one write. A note is the only field of a secret in Devin that we choose and that a list gives back, so
the nonce answers "did that POST happen?", and the generation tells a database that is older than what it wrote.
"""

import re
from dataclasses import dataclass
from typing import Self

# Devin publishes no limit; notes are kept short enough for any plausible one.
LONGEST_NOTE = 255
TAG = re.compile(r"\[ds1 i=([0-9a-f]{8}) s=([0-9a-f]{8}) g=(\d{1,18}) n=([A-Za-z0-9_-]{22})\]\s*\Z")


@dataclass(frozen=True)
class Tag:
    instance: str
    sync: str
    generation: int
    nonce: str

    def __str__(self) -> str:
        return f"[ds1 i={self.instance} s={self.sync} g={self.generation} n={self.nonce}]"

    @classmethod
    def read(cls, note: str | None) -> Self | None:
        """The tag that ends a note, or None: somebody else's."""
        match = TAG.search(note or "")
        if match is None:
            return None
        instance, sync, generation, nonce = match.groups()
        return cls(instance, sync, int(generation), nonce)


def compose_note(source_label: str, tag: Tag) -> str:
    words = f"Synced by DevinSync from {source_label}"
    room = LONGEST_NOTE - len(str(tag)) - 1
    if len(words) > room:
        words = words[: room - 1] + "…"
    return f"{words} {tag}"
