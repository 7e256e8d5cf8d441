"""TRANSFORM KEYS: what a key schema may be, what it makes of a key, and what it matches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncs.engine.keys import key_warnings, variable_name
from syncs.errors import InvalidKeySchema
from syncs.key_schema import KeySchema

SOURCE_KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
FIXED_PARTS = st.lists(st.sampled_from(["P", "_", "-", "/", "9", "{{environment}}"]), max_size=3).map("".join)


@pytest.mark.parametrize(
    ("schema", "rendered"),
    [
        ("", "DB_URL"),
        ("{{secretKey}}", "DB_URL"),
        ("PROD_{{secretKey}}", "PROD_DB_URL"),
        ("{{secretKey}}_PROD", "DB_URL_PROD"),
        ("{{environment}}/{{secretKey}}-{{environment}}", "dev/DB_URL-dev"),
    ],
)
def test_renders_by_plain_substitution(schema: str, rendered: str) -> None:
    assert KeySchema.parse(schema).render("DB_URL", environment="dev") == rendered


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("PROD_", "exactly once"),
        ("{{secretKey}}{{secretKey}}", "exactly once"),
        ("{{environment}}", "exactly once"),
        ("P {{secretKey}}", "without spaces"),
        ("P.{{secretKey}}", "may hold letters"),
        ("{{ secretKey }}", "without spaces"),
        ("{{secretkey}}", "may hold letters"),
        ("{{project}}_{{secretKey}}", "may hold letters"),
        ("É{{secretKey}}", "may hold letters"),
        ("P{{secretKey}}\n", "may hold letters"),
        ("x" * 242 + "{{secretKey}}", ""),
        ("x" * 243 + "{{secretKey}}", "at most 255 characters; this one has 256"),
    ],
)
def test_says_what_a_schema_may_hold(schema: str, reason: str) -> None:
    if not reason:
        KeySchema.parse(schema)
        return
    with pytest.raises(InvalidKeySchema, match=reason):
        KeySchema.parse(schema)


@pytest.mark.parametrize(
    ("schema", "key", "matches"),
    [
        ("", "ANYTHING", True),
        ("PROD_{{secretKey}}", "PROD_A", True),
        ("PROD_{{secretKey}}", "PROD_", False),
        ("PROD_{{secretKey}}", "prod_A", False),
        ("PROD_{{secretKey}}", "A_PROD_", False),
        ("A{{secretKey}}A", "AA", False),
        ("A{{secretKey}}A", "A", False),
        ("A{{secretKey}}A", "AxA", True),
        ("{{environment}}_{{secretKey}}", "dev_A", True),
        ("{{environment}}_{{secretKey}}", "prod_A", False),
    ],
)
def test_matches_what_it_could_have_rendered(schema: str, key: str, *, matches: bool) -> None:
    assert KeySchema.parse(schema).matches(key, environment="dev") is matches


@given(before=FIXED_PARTS, after=FIXED_PARTS, keys=st.lists(SOURCE_KEYS, unique=True, max_size=6))
def test_rendered_keys_match_and_never_collide(before: str, after: str, keys: list[str]) -> None:
    schema = KeySchema.parse(f"{before}{{{{secretKey}}}}{after}")

    rendered = [schema.render(key, environment="dev") for key in keys]

    assert all(schema.matches(key, environment="dev") for key in rendered)
    assert len(set(rendered)) == len(keys)


@given(FIXED_PARTS, FIXED_PARTS, FIXED_PARTS, FIXED_PARTS, SOURCE_KEYS)
def test_schemas_that_render_one_key_overlap(before: str, after: str, before2: str, after2: str, key: str) -> None:
    schema, other = KeySchema(before, after), KeySchema(before2, after2)
    rendered = schema.render(key, environment="dev")

    if other.matches(rendered, environment="prod"):
        assert schema.overlaps(other, environment="dev", other_environment="prod")


def test_schemas_with_different_starts_do_not_overlap() -> None:
    dev, prod = KeySchema.parse("{{environment}}_{{secretKey}}"), KeySchema.parse("{{environment}}_{{secretKey}}")

    assert not dev.overlaps(prod, environment="dev", other_environment="prod")
    assert dev.overlaps(prod, environment="dev", other_environment="dev")


@pytest.mark.parametrize(("schema", "has"), [("", False), ("{{secretKey}}", False), ("P_{{secretKey}}", True)])
def test_knows_whether_it_has_a_fixed_part(schema: str, *, has: bool) -> None:
    assert KeySchema.parse(schema).has_fixed_part is has


@pytest.mark.parametrize(
    ("key", "variable"), [("A_B", "A_B"), ("A-B", "A_B"), ("dev/A.B", "dev_A_B"), ("9A", "_9A"), ("É", "_")]
)
def test_names_the_variable_that_sessions_see(key: str, variable: str) -> None:
    assert variable_name(key) == variable


def test_warns_of_changed_clashing_and_risky_names() -> None:
    warnings = key_warnings(["A_B", "A-B", "PATH", "FINE"])

    assert warnings == [
        "A-B is not an environment variable name: Devin shows it to its sessions as A_B.",
        "PATH changes how programs run in Devin's sessions. Rename it unless you mean that.",
        "A-B, A_B all become A_B: Devin adds _2 and so on to the later ones.",
    ]
