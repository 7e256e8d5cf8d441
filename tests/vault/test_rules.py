"""What names, paths, keys and values may be: what is refused, at which field, and what it is cleaned to."""

from collections.abc import Callable

import pytest

from vault import rules
from vault.errors import Invalid
from vault.limits import MAX_VALUE_BYTES

CONTROLS = ["\0", "\x1b", "\x7f", "\x85", "\ud800"]
TURNING = ["\u202e", "\u2066", "\u200f"]
LETTERS = "abcdefghij" * 200

# A rule, its field, and what it makes of a text.
CLEANED: dict[str, tuple[Callable[[str], str], str, str]] = {
    "a name": (rules.clean_name, "Shop", "Shop"),
    "a name of another script": (rules.clean_name, " 東京 – Магазин ", "東京 – Магазин"),
    "the longest name": (rules.clean_name, LETTERS[:64], LETTERS[:64]),
    "a slug": (rules.clean_slug, " My-Shop-2 ", "my-shop-2"),
    "the longest slug": (rules.clean_slug, LETTERS[:64], LETTERS[:64]),
    "no description": (rules.clean_description, "  ", ""),
    "a description of two lines": (rules.clean_description, "a\n\tb", "a\n\tb"),
    "a comment with line ends of each kind": (rules.clean_comment, "\r\na\r\nb\rc\n", "a\nb\nc"),
    "the longest comment": (rules.clean_comment, LETTERS[:1998] + "\r\n.", LETTERS[:1998] + "\n."),
    "a folder's name": (rules.clean_folder_name, " My_App-2 ", "My_App-2"),
    "the root": (rules.clean_path, "/", "/"),
    "nothing as a path": (rules.clean_path, "", "/"),
    "slashes alone": (rules.clean_path, " /// ", "/"),
    "a path": (rules.clean_path, "/a/B_1/c-d", "/a/B_1/c-d"),
    "a path without its slash": (rules.clean_path, "a/b/", "/a/b"),
    "the longest path": (rules.clean_path, "/".join(["x" * 255] * 4), "/" + "/".join(["x" * 255] * 4)),
    "a key": (rules.clean_key, " DB_URL ", "DB_URL"),
    "a key with dots and hyphens": (rules.clean_key, "_spring.data-source.Url", "_spring.data-source.Url"),
}


@pytest.mark.parametrize(("rule", "text", "cleaned"), CLEANED.values(), ids=CLEANED.keys())
def test_cleans(rule: Callable[[str], str], text: str, cleaned: str) -> None:
    assert rule(text) == cleaned
    assert rule(cleaned) == cleaned


REFUSED: dict[str, tuple[Callable[[str], str], str, list[str], str]] = {
    "no name": (rules.clean_name, "name", ["", "  ", "\n"], "Enter a name."),
    "a long name": (rules.clean_name, "name", [LETTERS[:65]], "is 65 characters long; the limit is 64."),
    "a name with controls": (
        rules.clean_name,
        "name",
        [f"a{one}b" for one in [*CONTROLS, "\n", "\t"]],
        "control characters",
    ),
    "a name that turns round": (rules.clean_name, "name", [f"a{one}b" for one in TURNING], "turn round the text"),
    "no slug": (rules.clean_slug, "slug", ["", " "], "Enter a slug."),
    "a slug that is none": (
        rules.clean_slug,
        "slug",
        ["a b", "a_b", "-a", "a-", "a--b", "ä", "a.b", "a/b", "ａ", "١", "ı"],
        "lower-case letters and digits",
    ),
    "a long slug": (rules.clean_slug, "slug", [LETTERS[:65]], "the limit is 64."),
    "a long description": (rules.clean_description, "description", [LETTERS[:257]], "the limit is 256."),
    "a description with controls": (
        rules.clean_description,
        "description",
        [f"a{one}b" for one in [*CONTROLS, "\r"]],
        "control characters",
    ),
    "a long comment": (rules.clean_comment, "comment", ["x" * 2001], "the limit is 2000."),
    "no folder's name": (rules.clean_folder_name, "name", [""], "Enter a name."),
    "a folder's name that is none": (
        rules.clean_folder_name,
        "name",
        ["a/b", "a b", ".", "..", "a.b", "ä", "a\\b", "*", "a%2fb"],
        "can't be a name. Use letters",
    ),
    "a long folder's name": (rules.clean_folder_name, "name", ["x" * 256], "the limit is 255."),
    "a path with an empty name": (rules.clean_path, "path", ["/a//b", "a///b", "//a//b//"], "one slash between"),
    "a path with a name that is none": (
        rules.clean_path,
        "path",
        ["/a/../b", "/.", "/a b", "/a/ b", "/ä", "a\\b", "/a:b", "/${x}"],
        "can't be a path",
    ),
    "a path with a long name": (
        rules.clean_path,
        "path",
        ["/a/" + "x" * 256],
        "The folder's name is 256 characters long; the limit is 255.",
    ),
    "a path with controls": (
        rules.clean_path,
        "path",
        [f"/a{one}b" for one in [*CONTROLS, "\n", "\t"]],
        "control characters",
    ),
    "a long path": (rules.clean_path, "path", ["/x" * 513], "is 1026 characters long; the limit is 1024."),
    "no key": (rules.clean_key, "key", ["", " "], "Enter a key."),
    "a key that is none": (
        rules.clean_key,
        "key",
        ["1A", "A B", "A/B", "A$", "A{", "ÄB", "A=B", "-A", ".A", "A:B", "${A}", "А"],
        "can't be a key. Start with a letter",
    ),
    "a long key": (rules.clean_key, "key", ["AB_" * 85 + "C"], "the limit is 255."),
    "a key with controls": (rules.clean_key, "key", [f"A{one}B" for one in [*CONTROLS, "\n"]], "control characters"),
    "a key that turns round": (rules.clean_key, "key", [f"A{one}B" for one in TURNING], "turn round the text"),
}


@pytest.mark.parametrize(("rule", "field", "texts", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_at_its_field(rule: Callable[[str], str], field: str, texts: list[str], message: str) -> None:
    for text in texts:
        with pytest.raises(Invalid) as caught:
            rule(text)
        assert message in caught.value.message, text
        assert caught.value.field == field, text
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "value", ["", " ", "x" * MAX_VALUE_BYTES, "€" * (MAX_VALUE_BYTES // 3), "a\nb\r\nc\t\x1b[0m\u202e"]
)
def test_takes_any_value_that_fits(value: str) -> None:
    rules.check_value("A", value)


TOO_MUCH = {
    "a byte too many": ("x" * (MAX_VALUE_BYTES + 1), "is 65,537 bytes long; the limit is 65,536."),
    "characters of several bytes": ("€" * 21_846, "is 65,538 bytes long"),
    "NUL": ("hunter2\0", "NUL character"),
    "half of a pair": ("hunter2\ud800", "not valid Unicode"),
}


@pytest.mark.parametrize(("value", "message"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_refuses_a_value_by_its_key_alone(value: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        rules.check_value("MY_KEY", value)

    assert message in caught.value.message
    assert "MY_KEY" in caught.value.message
    assert "hunter2" not in caught.value.message
    assert (caught.value.field, caught.value.__cause__, caught.value.__suppress_context__) in (
        ("value", None, True),
        ("value", None, False),
    )
