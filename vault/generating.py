"""Values that nobody has to think of: made here, by the system's source of randomness, and shown to nobody.

No sign that a value could hold is one that a reference, a shell's quotes or a `.env` gives a meaning to: no `$`, brace,
quote, backslash, backtick, `#`, `=` or space.
"""

import secrets
import string
from dataclasses import dataclass
from uuid import UUID

SYMBOLS = "!%&()*+,-./:;<>?@[]^_~|"
LOOKALIKES = "0O1lI"
PLAIN = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
# By name: what it is called, and the sets of signs of each of which a password has one.
ALPHABETS = {
    "plain": ("Letters and digits", PLAIN),
    "symbols": ("Letters, digits and symbols", (*PLAIN, SYMBOLS)),
    "clear": (
        "Letters and digits that look like no other",
        tuple("".join(sign for sign in signs if sign not in LOOKALIKES) for signs in PLAIN),
    ),
    "digits": ("Digits", (string.digits,)),
}
SHORTEST, LONGEST = 8, 4096


@dataclass(frozen=True)
class Kind:
    label: str
    words: str
    takes_length: bool = True


KINDS = {
    "password": Kind("Password", "A password"),
    "token": Kind("Token (letters, digits, - and _)", "A token"),
    "hex": Kind("Hexadecimal digits", "A value of hexadecimal digits"),
    "uuid": Kind("UUID", "A UUID", takes_length=False),
}


def generate(kind: str, *, length: int, alphabet: str) -> str:
    """Of just so many characters, but for a UUID, which has 36."""
    match kind:
        case "uuid":
            return str(UUID(bytes=secrets.token_bytes(16), version=4))
        case "hex":
            return secrets.token_hex(length)[:length]
        case "token":
            return secrets.token_urlsafe(length)[:length]
        case _:
            return _password(length, ALPHABETS[alphabet][1])


def _password(length: int, sets: tuple[str, ...]) -> str:
    """With at least one sign of each set, as those who ask for passwords want it; else all are alike likely."""
    every = "".join(sets)
    while True:
        made = "".join(secrets.choice(every) for _ in range(length))
        if all(not set(signs).isdisjoint(made) for signs in sets):
            return made
