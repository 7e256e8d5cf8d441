import resource
import subprocess
import sys
from pathlib import Path

import pytest

from common.dotenv import AFTER_QUOTE, BAD_KEY, CLOSED_LATER, KEY_MATERIAL, MATERIAL, NO_KEY, NO_TEXT, NOT_CLOSED, parse
from common.lookalikes import LOOKS_LIKE_JSON, LOOKS_LIKE_YAML

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
    "the last of a key that stands there twice": ("A=1\nB=2\n\nA=3", {"A": "3", "B": "2"}),
    "typographic quotes as a part of the value": ("A=“abc”", {"A": "“abc”"}),
    "what looks like a second key": ("export A=1 B=2", {"A": "1 B=2"}),
    "spaces up to a comment": ("P=pa ss #w0rd", {"P": "pa ss"}),
    "JSON as a value, up to a comment": ('J={"a": 1, "c": "x #1"}', {"J": '{"a": 1, "c": "x'}),
    "JSON in quotes": ('J=\'{"a": "x #1"}\'', {"J": '{"a": "x #1"}'}),
    "a private key on one line": (
        "K=-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----",
        {"K": "-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----"},
    ),
    "nothing": ("", {}),
}


@pytest.mark.parametrize(("text", "values"), READ.values(), ids=READ.keys())
def test_reads(text: str, values: dict[str, str]) -> None:
    parsed = parse(text)

    assert parsed.texts == values
    assert parsed.errors == []


REFUSED = {
    "a line without equals sign": ("A=1\nhunter2\nB=2", [(2, NO_KEY)], ["A", "B"]),
    "a key with spaces": ("my key=hunter2", [(1, BAD_KEY.format(name="“my key”"))], []),
    "a key that starts with a digit": ("1A=hunter2", [(1, BAD_KEY.format(name="“1A”"))], []),
    "no key": ("=hunter2", [(1, BAD_KEY.format(name="What stands"))], []),
    "what is surely no name": ("p$hunter2 x=1", [(1, BAD_KEY.format(name="What stands"))], []),
    "more than a name has": ("a hunter2 " * 5 + "=1", [(1, BAD_KEY.format(name="What stands"))], []),
    "export without a value": ("export A", [(1, NO_KEY)], []),
    "an open double quote": ('\nA="hunter2\nB=2', [(2, NOT_CLOSED.format(key="A"))], []),
    "an open single quote": ("A=1\nB='hunter2", [(2, NOT_CLOSED.format(key="B"))], ["A"]),
    "text after a quote": ("A='x' hunter2\nB=1", [(1, AFTER_QUOTE.format(key="A", opened=""))], ["B"]),
    "a quote that closes on another line": (
        'A="x\n{"hunter2":"b"}\nB=1',
        [(2, AFTER_QUOTE.format(key="A", opened=" It opened on line 1: is it closed there?"))],
        ["B"],
    ),
    "a quote that the next key's closes": (
        'A=1\nB="hunter2\nC="2"\nD=4',
        [(2, CLOSED_LATER.format(key="B", last=3, line=2))],
        ["A", "C", "D"],
    ),
    "a quote that JSON of the next key closes": (
        'A="x\nJ={"hunter2":"b"}\nB=1',
        [(1, CLOSED_LATER.format(key="A", last=2, line=1))],
        ["J", "B"],
    ),
    "the same over more lines": (
        "B='hunter2\nmore\n\nexport C='2'\nD=4",
        [(1, CLOSED_LATER.format(key="B", last=4, line=1)), (2, NO_KEY)],
        ["C", "D"],
    ),
    "what is no text": ("A=1\nB=\0hunter2", [(2, NO_TEXT)], []),
    "several mistakes": ("x y\nB=1\nz", [(1, NO_KEY), (3, NO_KEY)], ["B"]),
}


@pytest.mark.parametrize(("text", "errors", "keys"), REFUSED.values(), ids=REFUSED.keys())
def test_names_the_line_and_goes_on(text: str, errors: list[tuple[int, str]], keys: list[str]) -> None:
    parsed = parse(text)

    assert [(error.line, error.message) for error in parsed.errors] == errors
    assert list(parsed.entries) == keys
    assert "hunter2" not in repr(parsed) + str([str(error) for error in parsed.errors])


PEM = """-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu
NMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEovGhLa0VzMaQ8s==
hunter2a=
-----END PRIVATE KEY-----
"""
BODY = "".join(PEM.splitlines(keepends=True)[1:4]) + "kQ8fhunter2X==\n"
PASTED = {
    "a private key": (PEM, [(1, MATERIAL.format(last=6))], []),
    "a private key after its name": ("A=1\nKEY=" + PEM + "B=2", [(2, MATERIAL.format(last=7))], ["A", "B"]),
    "a certificate after export": (
        "export CERT = " + PEM.replace("PRIVATE KEY", "CERTIFICATE") + "B=2",
        [(1, MATERIAL.format(last=6))],
        ["B"],
    ),
    "two of them": (PEM + PEM, [(1, MATERIAL.format(last=6)), (7, MATERIAL.format(last=12))], []),
    "one whose end is missing": (PEM[:-30] + "\nB=2", [(1, MATERIAL.format(last=6))], []),
    "one with headers": (
        PEM.replace("\nMII", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,hunter2=\n\nMII", 1),
        [(1, MATERIAL.format(last=9))],
        [],
    ),
    "its lines alone": (BODY + "\nB=2", [(1, MATERIAL.format(last=4))], ["B"]),
    "its lines and a key without a value": (
        BODY.replace("kQ8fhunter2X==", "EMPTY="),
        [(1, MATERIAL.format(last=3))],
        ["EMPTY"],
    ),
    "its last line alone": ("kQ8fhunter2X==", [(1, KEY_MATERIAL)], []),
    "one of its lines before an equals sign": (BODY.splitlines()[0] + "=hunter2", [(1, KEY_MATERIAL)], []),
    "a PuTTY key": (
        "PuTTY-User-Key-File-3: ssh-rsa\nPublic-Lines: 1\n" + BODY + "Private-MAC: hunter2=\nB=1",
        [(1, MATERIAL.format(last=7))],
        ["B"],
    ),
    "JSON": ('\n# mine\n{\n  "A": "hunter2",\n  "B=": "2"\n}', [(3, LOOKS_LIKE_JSON)], []),
    "a list of JSON": ('[{"name": "A", "value": "hunter2="}]', [(1, LOOKS_LIKE_JSON)], []),
    "YAML": ("---\nA: hunter2\nB: 2\n", [(1, LOOKS_LIKE_YAML)], []),
    "YAML without a start": ("# mine\nA: hunter2\nURL: http://x?y=z", [(2, LOOKS_LIKE_YAML)], []),
    "a line of YAML": ("A: hunter2\nB=1", [(1, NO_KEY)], ["B"]),
    "a section": ("[hunter2]\nB=1", [(1, NO_KEY)], ["B"]),
}


@pytest.mark.parametrize(("text", "errors", "keys"), PASTED.values(), ids=PASTED.keys())
def test_names_once_what_is_no_dotenv_and_reads_nothing_of_it(
    text: str, errors: list[tuple[int, str]], keys: list[str]
) -> None:
    parsed = parse(text)

    assert [(error.line, error.message) for error in parsed.errors] == errors
    assert list(parsed.entries) == keys


def test_a_private_key_in_quotes_is_read() -> None:
    assert parse(f'KEY="{PEM}"\nB=1').texts == {"KEY": PEM, "B": "1"}


COMMENTS = {
    "the line above": ("# The shop's database\nA=1", "The shop's database"),
    "lines above": ("#  one\n#two\n\tA=1", "one\ntwo"),
    "not past an empty line": ("# one\n\nA=1", ""),
    "not of another key": ("# one\nB=2\nA=1", ""),
    "no banner": ("#####\n# one\n# ---\nA=1", "one"),
    "no key that was commented out": ("# one\n#A=hunter2\n# export B = hunter2\nA=1", "one"),
    "no key material": ("# one\n# -----BEGIN PRIVATE KEY-----\n# " + BODY.splitlines()[0] + "\nA=1", "one"),
    "no control characters": ("# o\x1bne\nA=1", "one"),
    "above the last of two": ("# one\nA=1\n# two\nA=2", "two"),
}


@pytest.mark.parametrize(("text", "comment"), COMMENTS.values(), ids=COMMENTS.keys())
def test_a_comment_above_a_key_is_its_comment(text: str, comment: str) -> None:
    assert parse(text).entries["A"].comment == comment


LENGTH = 256 * 1024
LONG = {
    "spaces": "' ' * LENGTH",
    "spaces in a value": "'A=' + ' ' * LENGTH + 'b'",
    "backslashes": "'A=\"' + '\\\\' * LENGTH",
    "quotes over lines": '"A=\'x\\n" * (LENGTH // 5)',
    "comments": "'#a\\n' * (LENGTH // 3)",
    "dollar signs": "'A=' + '$' * LENGTH",
    "braces": "'A=' + '${' * (LENGTH // 2)",
    "escaped braces": "'A=' + '$${' * (LENGTH // 3)",
    "base64": "('MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTU' + chr(10)) * (LENGTH // 57)",
    "beginnings of keys": "'-----BEGIN A-----\\n' * (LENGTH // 18)",
    "exports": "'export' + ' ' * LENGTH",
    "one line of letters": "'a' * LENGTH",
    "one key many times": "'A=1\\n' * (LENGTH // 4)",
    "many references": "'A=' + '${B} ' * (LENGTH // 5)",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_the_work_grows_with_the_text(text: str) -> None:
    """A quarter of what the form takes, within seconds of work; if it grew with the square it would be hours."""
    code = f"LENGTH = {LENGTH}\nfrom common.dotenv import parse\nparse({text})"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, preexec_fn=limit, check=False, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()[-500:]
