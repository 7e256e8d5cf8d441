"""Whatever a value is, a `.env` text can say it, and the vault reads from it what was meant."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vault.dotenv import parse
from vault.references import expand, find_references

# What a value of the vault may hold, the signs that mean something to a reader of `.env` text often among it.
SIGNS = st.sampled_from(
    ["$", "${", "${A}", "$${A}", "}", "\\", '"', "'", "`", "#", " # ", "\n", "\r", "\t", "=", "B=", " "]
)
LETTERS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
VALUES = st.lists(SIGNS | LETTERS, max_size=6).map("".join)
KEYS = st.from_regex(r"[A-Z_][A-Z0-9_.]{0,8}", fullmatch=True)
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "\\$"})
SAMPLES = {
    "nothing": "",
    "spaces around it": "  a  ",
    "what looks like a comment": "a # b",
    "what looks like another line": 'a"\nB=c',
    "a reference as text": "${A} ${prod.x.B} ${A:-b} ${${A}} ${@o.p.C}",
    "dollars before it": "$${A} $$${A} $$$${A}",
    "backslashes before it": "\\${A} \\\\${A} \\\\\\${A}",
    "backslashes at the end": "C:\\temp\\",
    "escapes as text": '\\n\\t\\$\\"',
    "line ends of each kind": "a\nb\r\nc\rd\n",
    "JSON": '{"a": ["b", 1], "c": "${d}"}',
    "YAML": "a: 1\nb:\n  - c",
    "a key in PEM": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END PRIVATE KEY-----\n",
    "other scripts": "пароль 密码 🔑 \u00a0\u200b\u202e",
}


def never(reference: object) -> str:
    raise AssertionError(reference)


def meant(text: str) -> dict[str, str]:
    """What a reader of the vault gets for each key of a text that has no references."""
    parsed = parse(text)
    assert parsed.errors == []
    return {key: expand(value, never) for key, value in parsed.values.items()}


@pytest.mark.parametrize("value", SAMPLES.values(), ids=SAMPLES.keys())
def test_says_any_value_in_double_quotes(value: str) -> None:
    assert meant(f'A="{value.translate(ESCAPES)}"') == {"A": value}


@settings(max_examples=300)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_says_any_values_in_double_quotes(values: dict[str, str]) -> None:
    text = "\n".join(f'{key}="{value.translate(ESCAPES)}"' for key, value in values.items())

    assert meant(text) == values


@pytest.mark.parametrize("quote", ["'", "`"])
@pytest.mark.parametrize("value", SAMPLES.values(), ids=SAMPLES.keys())
def test_says_as_it_is_what_has_no_such_quote_in_it(value: str, quote: str) -> None:
    value = value.replace(quote, "").replace("\r\n", "\n").replace("\r", "\n")

    assert meant(f"export A = {quote}{value}{quote} # why") == {"A": value}


@settings(max_examples=200)
@given(VALUES)
@example("${A}")
def test_a_value_in_single_quotes_is_text(value: str) -> None:
    value = value.replace("'", "").replace("\r", "\n")

    assert meant(f"A='{value}'") == {"A": value}


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_comments_and_empty_lines_between_change_nothing(values: dict[str, str]) -> None:
    text = "\n\n# of a key\n".join(f'  export  {key} = "{value.translate(ESCAPES)}"  ' for key, value in values.items())

    assert meant("# of the file\n\n" + text.replace("\n", "\r\n") + "\n#") == values


@given(
    st.lists(st.sampled_from(["A", "dev.A", "prod.x.y.B"]), min_size=1, max_size=3, unique=True),
    st.sampled_from(['"', ""]),
)
def test_what_is_not_marked_as_text_is_a_reference(inner: list[str], quote: str) -> None:
    value = parse("K=" + quote + "".join(f"<${{{one}}}>" for one in inner) + quote).values["K"]

    assert [reference.inner for reference in find_references(value)] == inner


@settings(max_examples=300)
@given(st.lists(SIGNS | LETTERS | st.just("\nA="), max_size=12).map("".join))
def test_any_text_is_read_or_told_by_its_lines(text: str) -> None:
    parsed = parse(text)

    last = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert all(1 <= entry.line <= entry.last_line <= last for entry in parsed.entries.values())
    assert all(1 <= error.line <= last for error in parsed.errors)
    assert all(key == entry.key for key, entry in parsed.entries.items())


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["A", "B", "=", "'", '"', "`", "#", " ", "\n", "\\", "${", "}", ":"]), max_size=12).map(
        "".join
    )
)
def test_no_note_and_no_error_tells_what_a_line_holds(text: str) -> None:
    """Only what stands in a key's or a reference's place may be named, and it has no digits in these texts."""
    parsed = parse(text.replace("B", "=7391"))

    told = [*map(str, parsed.errors), *(note for entry in parsed.entries.values() for note in entry.notes)]
    assert not any("7391" in line for line in told), told
