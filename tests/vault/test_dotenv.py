import time

import pytest

from vault.dotenv import AFTER_QUOTE, BAD_KEY, NO_KEY, NOT_CLOSED, parse

READ = {
    "a plain value": ("A=1", {"A": "1"}),
    "spaces around key, equals sign and value": ("  A =  1 2  \n", {"A": "1 2"}),
    "an empty value": ("A=\nB=", {"A": "", "B": ""}),
    "a value with equals signs": ("A=b=c==", {"A": "b=c=="}),
    "empty lines and comments": ("\n# A=1\n   # B=2\n\nC=3", {"C": "3"}),
    "a comment after a value": ("A=1 # one\nB=2\t# two", {"A": "1", "B": "2"}),
    "a hash within a value": ("A=b#c", {"A": "b#c"}),
    "a comment instead of a value": ("A= # nothing\nB=#", {"A": "", "B": ""}),
    "export": ("export A=1\n  export\tB=2", {"A": "1", "B": "2"}),
    "a key named export": ("export=1", {"export": "1"}),
    "single quotes keep everything": ("A='b $c \\n # \"d\" '", {"A": 'b $c \\n # "d" '}),
    "double quotes": ('A="b # c"', {"A": "b # c"}),
    "escapes in double quotes": (r'A="a\nb\tc\"d\"\\n\$e\x"', {"A": 'a\nb\tc"d"\\n$e\\x'}),
    "backquotes": ('A=`it\'s "so"`', {"A": 'it\'s "so"'}),
    "a comment after quotes": ("A='1' # one\nB=\"2\"#two", {"A": "1", "B": "2"}),
    "several lines in double quotes": (
        'A="-----BEGIN\nabc=\n-----END"\nB=1',
        {"A": "-----BEGIN\nabc=\n-----END", "B": "1"},
    ),
    "several lines in single quotes": ("A='x\n\n# y\n'\nB=1", {"A": "x\n\n# y\n", "B": "1"}),
    "Windows line ends and a byte order mark": ("\ufeffA=1\r\nB='x\r\ny'\r\n", {"A": "1", "B": "x\ny"}),
    "a quote within a plain value": ("A=it's", {"A": "it's"}),
    "references stay as they are": ("A=${B}/${prod.C}", {"A": "${B}/${prod.C}"}),
    "keys with dots and hyphens": ("a.b-c_1=1", {"a.b-c_1": "1"}),
    "nothing": ("", {}),
}


@pytest.mark.parametrize(("text", "values"), READ.values(), ids=READ.keys())
def test_reads(text: str, values: dict[str, str]) -> None:
    parsed = parse(text)

    assert parsed.values == values
    assert parsed.errors == []


REFUSED = {
    "a line without equals sign": ("A=1\nhunter2\nB=2", [(2, NO_KEY)], ["A", "B"]),
    "a key with spaces": ("my key=hunter2", [(1, BAD_KEY)], []),
    "a key that starts with a digit": ("1A=hunter2", [(1, BAD_KEY)], []),
    "no key": ("=hunter2", [(1, BAD_KEY)], []),
    "export without a value": ("export A", [(1, NO_KEY)], []),
    "an open double quote": ('\nA="hunter2\nB=2', [(2, NOT_CLOSED)], []),
    "an open single quote": ("A=1\nB='hunter2", [(2, NOT_CLOSED)], ["A"]),
    "text after a quote": ("A='x\ny' hunter2\nB=1", [(2, AFTER_QUOTE)], ["B"]),
    "the same key twice": ("A=1\n\nA=hunter2", [(3, "A is on line 1 already. Keep one of them.")], ["A"]),
    "several mistakes": ("x y\nB=1\nz", [(1, NO_KEY), (3, NO_KEY)], ["B"]),
}


@pytest.mark.parametrize(("text", "errors", "keys"), REFUSED.values(), ids=REFUSED.keys())
def test_names_the_line_and_goes_on(text: str, errors: list[tuple[int, str]], keys: list[str]) -> None:
    parsed = parse(text)

    assert [(error.line, error.message) for error in parsed.errors] == errors
    assert list(parsed.values) == keys
    assert "hunter2" not in repr(parsed) + str([str(error) for error in parsed.errors])


@pytest.mark.parametrize("text", [" " * 300_000, "A=" + " " * 300_000 + "b", 'A="' + "\\" * 300_000, "A='x\n" * 30_000])
def test_long_texts_take_little_time(text: str) -> None:
    start = time.monotonic()

    parse(text)

    assert time.monotonic() - start < 2
