"""Characters that cannot be seen, or that turn round what stands beside them.

A name that holds them reads as another name than it is, and people decide by names what may be deleted.
"""

import unicodedata

# Controls, format characters (the marks of direction among them), halves of pairs, separators of lines and paragraphs.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Turn the direction of what follows.
TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str) -> str:
    """The text with each such character as its number: `‹U+202E›`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"‹U+{ord(char):04X}›" if unicodedata.category(char) in UNSEEN else char for char in text)
