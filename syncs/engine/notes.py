"""The note on each secret we write: words for people, then a compact tag that we can read back. Pure.

`Synced by DevinSync from dev:/my-secrets [ds1 i=1f2e3d4c s=0a1b2c3d g=12 n=Zx…]`: installation, sync, generation and a
nonce for this one write. A note is the only field of a secret in Devin that we choose and that a list gives back, so
the nonce answers "did that POST happen?", and the generation tells a database that is older than what it wrote.

Of a sync that sends comments, the words are the source's comment, which Devin shows to its sessions as guidance.
"""

import re
from dataclasses import dataclass
from typing import Self
from unicodedata import category

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


# What is left for words by the longest tag, so that the same comment is cut at the same place in every generation.
LONGEST_WORDS = LONGEST_NOTE - 1 - len(str(Tag("0" * 8, "0" * 8, 10**18 - 1, "0" * 22)))
FROM_US = "Synced by DevinSync from "


def words_of_comment(comment: str) -> str:
    """A comment as the words of a note: one line, without control and other unseen characters, cut to what has room."""
    seen = ("" if category(char) in ("Cf", "Cs", "Cn", "Co") else " " if is_gap(char) else char for char in comment)
    return _cut(" ".join("".join(seen).split()), LONGEST_WORDS)


def is_gap(char: str) -> bool:
    return category(char) in ("Cc", "Zl", "Zp")


def compose_note(source_label: str, tag: Tag, *, words: str = "") -> str:
    """`words` are those of a comment; without them the note says where the secret is from."""
    room = LONGEST_NOTE - len(str(tag)) - 1
    return f"{_cut(words or FROM_US + source_label, room)} {tag}"


def why_other_words(words: str, note: str) -> str:
    """Why a note that we wrote has to be written again, "" if it says what it should. `words` as in `compose_note`.

    Where a secret is from is no reason: it would rewrite all of a folder that is renamed.
    """
    match = TAG.search(note)
    written = note[: match.start()].rstrip() if match else ""
    is_comment = bool(written) and not written.startswith(FROM_US)
    if match is None or written == words or not (words or is_comment):
        return ""
    if not words:
        return "its note in Devin no longer holds a comment"
    return "its comment changed in the source" if is_comment else "its comment becomes its note in Devin"


def _cut(words: str, room: int) -> str:
    return words if len(words) <= room else words[: room - 1].rstrip() + "…"
