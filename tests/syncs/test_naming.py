"""Which keys a sync takes and what it calls them: names, patterns and renames, and what is said of what is none."""

from dataclasses import dataclass

import pytest

from syncs.errors import InvalidKeySchema
from syncs.naming import MOST_LINES, Naming, normal_patterns, normal_renames, normal_tags

KEYS = ("DB_URL", "DB_URL_OLD", "STRIPE_KEY", "STRIPE_LIVE_KEY", "local_port", "LOG.LEVEL")


@dataclass(frozen=True)
class Said:
    """What a sync says of its keys."""

    only_keys: str = ""
    except_keys: str = ""
    only_tags: str = ""
    except_tags: str = ""
    key_renames: str = ""
    key_schema: str = ""
    environment_slug: str = "prod"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (Said(), dict(zip(KEYS, KEYS, strict=True))),
        (Said(only_keys="DB_URL"), {"DB_URL": "DB_URL"}),
        (Said(only_keys="STRIPE_*"), {"STRIPE_KEY": "STRIPE_KEY", "STRIPE_LIVE_KEY": "STRIPE_LIVE_KEY"}),
        (Said(only_keys="STRIPE_*\nDB_URL", except_keys="*_LIVE_*"), {"STRIPE_KEY": "STRIPE_KEY", "DB_URL": "DB_URL"}),
        (Said(only_keys="db_*, local_*"), {"local_port": "local_port"}),
        (Said(only_keys="LOG?LEVEL"), {"LOG.LEVEL": "LOG.LEVEL"}),
        (Said(only_keys="[DL]*"), {"DB_URL": "DB_URL", "DB_URL_OLD": "DB_URL_OLD", "LOG.LEVEL": "LOG.LEVEL"}),
        (Said(only_keys="NONE_*"), {}),
        (Said(only_keys="DB_URL", key_renames="DB_URL=DATABASE_URL"), {"DATABASE_URL": "DB_URL"}),
        (
            Said(only_keys="DB_URL", key_renames="DB_URL=DATABASE_URL", key_schema="{{environment}}_{{secretKey}}"),
            {"prod_DATABASE_URL": "DB_URL"},
        ),
        (
            Said(only_keys="DB_*", key_renames="DB_URL=DB_URL_OLD\nDB_URL_OLD=DB_URL"),
            {"DB_URL_OLD": "DB_URL", "DB_URL": "DB_URL_OLD"},
        ),
    ],
)
def test_takes_and_names(said: Said, names: dict[str, str]) -> None:
    naming = Naming.of(said)

    assert naming.names(dict.fromkeys(KEYS, ())) == names
    assert {key for key in KEYS if naming.takes_key(key)} == set(names.values())
    assert all(naming.render(key) == name and naming.matches(name) for name, key in names.items())


@pytest.mark.parametrize(
    ("said", "tags", "is_taken"),
    [
        (Said(), (), True),
        (Said(), ("devin",), True),
        (Said(only_tags="devin"), (), False),
        (Said(only_tags="devin"), ("other", "devin"), True),
        (Said(only_tags="devin"), ("devin-2",), False),
        (Said(only_tags="devin"), ("Devin",), False),
        (Said(only_tags="other\ndevin-*"), ("devin-2",), True),
        (Said(except_tags="local"), (), True),
        (Said(except_tags="loc?l"), ("devin", "local"), False),
        (Said(only_tags="devin", except_tags="local"), ("devin", "local"), False),
        (Said(only_tags="devin", only_keys="A"), ("devin",), False),
        (Said(only_tags="devin", except_keys="DB_*"), ("devin",), False),
    ],
)
def test_takes_by_tags_and_keys(said: Said, tags: tuple[str, ...], is_taken: bool) -> None:
    naming = Naming.of(said)

    assert naming.takes("DB_URL", tags) is is_taken
    assert naming.names({"DB_URL": tags, "X": ("x",)}).get("DB_URL") == ("DB_URL" if is_taken else None)


def test_names_the_tags_that_choose_nothing() -> None:
    naming = Naming.of(Said(only_tags="devin\ndevn\nprod-*", except_tags="none"))

    assert naming.idle_tags(["devin", "prod-eu", "x"]) == ["devn"]
    assert naming.idle_tags([]) == ["devin", "devn", "prod-*"]


@pytest.mark.parametrize("text", ["devin team", "a=b", "X" * 600])
def test_what_is_no_tag_is_said_as_that(text: str) -> None:
    with pytest.raises(InvalidKeySchema, match=r"Line 1 is no tag and no pattern\..*: devin-"):
        normal_tags(text)


@pytest.mark.parametrize(
    ("said", "key", "is_in_scope"),
    [
        (Said(only_keys="STRIPE_*"), "STRIPE_ELSEWHERE", True),
        (Said(only_keys="STRIPE_*"), "OTHER", False),
        (Said(except_keys="LOCAL_*"), "LOCAL_PORT", False),
        (Said(key_schema="P_{{secretKey}}", only_keys="STRIPE_*"), "P_STRIPE_X", True),
        (Said(key_schema="P_{{secretKey}}", only_keys="STRIPE_*"), "STRIPE_X", False),
        (Said(key_renames="DB_URL=DATABASE_URL"), "DATABASE_URL", True),
        # No key of the source can be called this any more.
        (Said(key_renames="DB_URL=DATABASE_URL"), "DB_URL", False),
        (Said(key_renames="DB_URL=DATABASE_URL", except_keys="DB_URL"), "DATABASE_URL", True),
        (Said(key_renames="DB_URL=DATABASE_URL", only_keys="DB_URL"), "DATABASE_URL", True),
        (Said(key_renames="DB_URL=DATABASE_URL", only_keys="A_*"), "DATABASE_URL", False),
    ],
)
def test_what_no_key_would_be_called_is_out_of_scope(said: Said, key: str, is_in_scope: bool) -> None:
    assert Naming.of(said).matches(key) is is_in_scope


def test_two_keys_of_one_name_are_refused_with_both() -> None:
    naming = Naming.of(Said(key_renames="DB_URL=LOG.LEVEL"))

    with pytest.raises(InvalidKeySchema, match=r"DB_URL and LOG\.LEVEL would both be LOG\.LEVEL in Devin"):
        naming.names(dict.fromkeys(KEYS, ()))
    assert naming.names({"DB_URL": ()}) == {"LOG.LEVEL": "DB_URL"}


@pytest.mark.parametrize(
    ("text", "normal"),
    [("", ""), ("A\r\n\r\n B_* \n", "A\nB_*"), ("A,B_*, A", "A\nB_*"), ("é_*", "é_*")],
)
def test_patterns_have_one_form(text: str, normal: str) -> None:
    assert normal_patterns(text) == normal
    assert normal_patterns(normal) == normal


@pytest.mark.parametrize(
    ("text", "normal"),
    [("", ""), (" A = B \r\nC→D, E -> F", "A=B\nC=D\nE=F"), ("A=B\nA=B", "A=B")],
)
def test_renames_have_one_form(text: str, normal: str) -> None:
    assert normal_renames(text) == normal
    assert normal_renames(normal) == normal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("OK, FINE\nTWO WORDS", "Line 2 is no key and no pattern"),
        ("A=B", "Line 1 is no key and no pattern"),
        ("X" * 600, "Line 1 is no key and no pattern"),
        ("\n".join(f"K{number}" for number in range(MOST_LINES + 1)), "Those are 501 lines"),
        ("X" * 20_001, "longer than 20,000 characters"),
    ],
)
def test_what_is_no_pattern_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidKeySchema, match=said):
        normal_patterns(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=B\n\nC", "Line 3 is no rename"),
        ("A=", "Line 1 is no rename"),
        ("A=B=C", "Line 1 is no rename"),
        ("DB_*=X", "Line 1 has a pattern"),
        ("A=B\nA=C", "Line 2 renames A a second time"),
        ("A=B\nC=B", "Line 2 gives C the name B, which A has"),
    ],
)
def test_what_is_no_rename_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidKeySchema, match=said):
        normal_renames(text)
