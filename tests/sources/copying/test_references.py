"""Infisical's references, as the vault's: the vault's reading of the translation is Infisical's of the text."""

import pytest

from sources.infisical.references import Untranslatable, translate
from vault.references import expand, find_references

VALUES = {"A": "1", "dev.A": "2", "dev.x.y.A": "3"}


def resolved(text: str) -> str:
    return expand(translate(text, project_slug="shop"), lambda found: VALUES.get(found.inner))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", ""),
        ("plain $A {A} $", "plain $A {A} $"),
        ("${A}", "1"),
        ("a ${A} b ${dev.A} c ${dev.x.y.A}", "a 1 b 2 c 3"),
        ("${ A }", "1"),
        ("$${A}", "$1"),
        ("$$${A}", "$$1"),
        ("${A}${A}", "11"),
        ("${A}$${A}", "1$1"),
        ("${@shop.dev.A}", "2"),
        ("${HOME:-/root}", "${HOME:-/root}"),
        ("$${HOME:-/root}", "$${HOME:-/root}"),
        ("${HOME:-${A}}", "${HOME:-1}"),
        ("${}", "${}"),
        ("${", "${"),
        ("$$${", "$$${"),
        ("${A", "${A"),
        ("pa$$word${A}", "pa$$word1"),
        ("{${A}}", "{1}"),
        ("line\n${A}\nline", "line\n1\nline"),
    ],
)
def test_the_vault_resolves_what_infisical_would(text: str, meant: str) -> None:
    assert resolved(text) == meant


def test_what_leads_nowhere_yet_stays_a_reference() -> None:
    assert [str(each) for each in find_references(translate("x${NOPE}y", project_slug="shop"))] == ["${NOPE}"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("s3cret ${@other.dev.A}", "${@other.dev.A}"),
        ("s3cret ${@shop}", "${@shop}"),
        ("s3cret ${dev.${A}.B}", "within a reference"),
        ("s3cret ${1A}", "${1A}"),
        ("s3cret ${a/b.KEY}", "${a/b.KEY}"),
        ("s3cret ${db.1host}", "${db.1host}"),
    ],
)
def test_what_the_vault_cannot_say_is_named_without_the_text_around_it(text: str, named: str) -> None:
    with pytest.raises(Untranslatable) as refusal:
        translate(text, project_slug="shop")

    assert named in str(refusal.value)
    assert "s3cret" not in str(refusal.value)
