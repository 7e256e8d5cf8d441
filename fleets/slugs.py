"""`{{organization}}`: what an organization is called in paths and keys. Pure.

A slug says where values are read and is given once: neither a rename in Devin nor a new organization of the same name
leads an organization to the folder of another.
"""

import re
import unicodedata
from collections.abc import Collection
from itertools import count

ORGANIZATION = "{{organization}}"
LONGEST_SLUG = 64
LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l", "þ": "th", "œ": "oe"})


def slug_of(name: str, org_id: str) -> str:
    """Lower-case letters and digits, in words joined by single hyphens; of the id where the name has none of these."""
    return _words(name) or _words(org_id) or "organization"


def free_slug(name: str, org_id: str, *, taken: Collection[str]) -> str:
    """The slug, with a number behind it where another organization has it."""
    wanted = slug_of(name, org_id)
    if wanted not in taken:
        return wanted
    return next(slug for number in count(2) if (slug := f"{wanted}-{number}") not in taken)


def fill(text: str, slug: str) -> str:
    return text.replace(ORGANIZATION, slug)


def _words(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold().translate(LETTERS)).encode("ascii", "ignore").decode()
    return "-".join(re.findall("[a-z0-9]+", plain))[:LONGEST_SLUG].strip("-")
