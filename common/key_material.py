"""Tells names from key material. Pure. A name is shown in clear everywhere, so a key pasted as one must be refused.

What is random changes between large letters, small letters and digits all the time; the words of a name are longer:

    STRIPE_WEBHOOK_SECRET, sentryDsnForFrontendV2StagingEu1     names
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASC, eyJhbGciOi….eyJz…         a private key, a token
    9f86d081884c7d659a2feaa0c55ad015, AKIAIOSFODNN7EXAMPLE      a digest or a key in hex, a key of AWS
"""

import re

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
DIGITS = re.compile(r"[0-9]+")
SEPARATOR = re.compile(r"[_.+/=-]+")
WELL_KNOWN = re.compile(
    r"A(?:KIA|SIA|ROA|IDA)[A-Z0-9]{16}"
    r"|MI[IGE](?=[A-Za-z0-9+/_-]*[a-z])(?=[A-Za-z0-9+/_-]*[0-9])[A-Za-z0-9+/_-]{20,}={0,2}"
    r"|eyJ[A-Za-z0-9_-]{8,}\..*"
)
LONGEST_LOOKED_AT = 4096
# Letters of three classes are looked at from this length on, letters of two (as hex has) from the second.
ALL_CLASSES, TWO_CLASSES, WHOLE = 24, 32, 40
SHORTEST_WORDS = 3.9


def looks_like_key_material(name: str) -> bool:
    name = name[:LONGEST_LOOKED_AT]
    if WELL_KNOWN.fullmatch(name):
        return True
    parts = SEPARATOR.split(name)
    if len(name) >= WHOLE and _count_classes(name) == 3:
        parts.append("".join(parts))
    return any(map(_is_random, parts))


def _is_random(part: str) -> bool:
    classes, digits = _count_classes(part), len(DIGITS.findall(part))
    if classes == 3:
        return len(part) >= ALL_CLASSES and digits > 0 and _length_of_words(part) < SHORTEST_WORDS
    return classes == 2 and len(part) >= TWO_CLASSES and digits >= 3


def _length_of_words(part: str) -> float:
    """The length of the word that a letter stands in, on average over all letters."""
    lengths = [len(word) for word in WORD.findall(part)]
    return sum(length * length for length in lengths) / max(1, sum(lengths))


def _count_classes(text: str) -> int:
    """How many there are of large letters, small letters and digits."""
    return sum(any(map(test, text)) for test in (str.isupper, str.islower, str.isdigit))
