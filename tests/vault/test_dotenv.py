"""What the vault makes of a `.env`; how the text is read is in `tests/common/test_dotenv.py`."""

import pytest

from vault.dotenv import parse
from vault.references import expand

MEANT = {
    "a backslash in double quotes": (r'A="\${USER}@${HOST}"', "${USER}@<${HOST}>"),
    "a backslash without quotes": (r"A=\${USER}@${HOST}", "${USER}@<${HOST}>"),
    "two backslashes in double quotes": (r'A="\\${HOST}"', "\\<${HOST}>"),
    "single quotes": ("A='Hello ${name} $${x} $y'", "Hello ${name} $${x} $y"),
    "backquotes": ("A=`${a.${b}} ${@x.y.Z}`", "${a.${b}} ${@x.y.Z}"),
    "a dollar sign before a reference": (r'A="\$${PRICE}"', "$<${PRICE}>"),
    "two dollar signs as text": (r'A="\$\${PRICE}"', "$${PRICE}"),
    "one as it is and one as text": (r'A="$\${PRICE}"', "$${PRICE}"),
    "the vault's own escape": ("A=$${HOME} ${HOST}", "${HOME} <${HOST}>"),
    "dollar signs elsewhere": (r'A="\$5 $$ \$x"', "$5 $$ $x"),
}


@pytest.mark.parametrize(("text", "meant"), MEANT.values(), ids=MEANT.keys())
def test_what_is_meant_as_text_stays_text(text: str, meant: str) -> None:
    value = parse(text).values["A"]

    assert expand(value, lambda reference: f"<{reference}>") == meant


NOTED = {
    "a comment that was cut off": ("A=hunter2 # hunter3", ["# on was left out", "#"]),
    "spaces": ("A=hunter2 hunter3", ["spaces and no quotes"]),
    "a second key": ("export A=hunter2 B=hunter3", ["second KEY="]),
    "typographic quotes": ("A=“hunter2”", ["typographic quotes are part of the value"]),
    "several lines": ("A='hunter2\nhunter3'", ["from line 1 to line 2"]),
    "a quote that swallowed keys": ('A="hunter2\nB=hunter3\nC="', ["from line 1 to line 3", "Is a quote missing?"]),
    "a key that is there twice": ("A=hunter2\nA=hunter3", ["A is on line 1 too. This one, the last, counts."]),
    "references": ("A=hunter2${B}/${prod.x.C}", ["Becomes a reference: ${B}, ${prod.x.C}."]),
    "what only a key could be": (
        "A=hunter2${" + "e" * 65 + ".K}",
        ["a key of just that name: ${e"],
    ),
    "references that stay text": ("A='hunter2${B}'", ["stays text, because of the single quotes"]),
    "a reference with a default": ("A=${B:-hunter2}", ["but is none and stays text: ${B:-…}."]),
    "a dollar sign without braces": ('A="$USER/hunter2"', ["without braces, is text"]),
}


@pytest.mark.parametrize(("text", "parts"), NOTED.values(), ids=NOTED.keys())
def test_says_what_is_worth_a_look(text: str, parts: list[str]) -> None:
    parsed = parse(text)

    notes = " ".join(parsed.entries["A"].notes)
    assert parsed.errors == []
    assert all(part in notes for part in parts)
    assert "hunter" not in notes + repr(parsed)


@pytest.mark.parametrize("text", ["A=1", "A='x y # z'", 'A="x" # y', "A=b#c", "A=https://x/y?z=1&w=2"])
def test_says_nothing_of_what_is_plain(text: str) -> None:
    assert parse(text).entries["A"].notes == ()


def test_a_comment_that_is_too_long_is_left_out_and_said_to_be() -> None:
    entry = parse("# " + "x" * 2001 + "\nA=1").entries["A"]

    assert (entry.comment, len(entry.notes)) == ("", 1)
    assert "longer than 2,000 characters" in entry.notes[0]
