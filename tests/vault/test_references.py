import pytest

from vault import references
from vault.references import (
    BadReference,
    Reference,
    check_references,
    escape,
    expand,
    find_lookalikes,
    find_references,
    unescape,
)

FOUND = {
    "a key of the same folder": ("${A}", [Reference("A")]),
    "a key of an environment's root": ("${prod.A}", [Reference("A", "prod", "/")]),
    "a key of a folder": ("${prod.app.api.A}", [Reference("A", "prod", "/app/api")]),
    "several, each once": ("x${A}y${B}z${A}", [Reference("A"), Reference("B")]),
    "names with hyphens and underscores": ("${pre-prod.my_app.A-1}", [Reference("A-1", "pre-prod", "/my_app")]),
    "a second dollar sign makes it text": ("$${A} $${prod.A}", []),
    "a third is a dollar sign before a reference": ("$$${A}", [Reference("A")]),
    "within escaped braces": ("$${A:-${B}}", [Reference("B")]),
    "without braces it is text": ("$A {A}", []),
    "what the shell would make of it is text": ("${A:-x} ${#A} ${A[0]} ${}", []),
    "an open brace is text": ("${A", []),
    "a key can't start with a digit": ("${1} ${1.A.2}", []),
    "what no place is called may be a key with dots": (
        "${prod.1} ${a..b} ${" + "e" * 65 + ".K}",
        [Reference("prod.1"), Reference("a..b"), Reference("e" * 65 + ".K")],
    ),
    "what is too long for a key or a place is text": (
        "${" + "K" * 256 + "} ${dev." + "K" * 300 + "} ${dev" + ".abcdefghi" * 110 + ".K}",
        [],
    ),
}


@pytest.mark.parametrize(("text", "references"), FOUND.values(), ids=FOUND.keys())
def test_finds(text: str, references: list[Reference]) -> None:
    assert find_references(text) == references


EXPANDED = {
    "a reference and the text around it": ("a ${A} b", "a <${A}> b"),
    "several": ("${A}${prod.B}${prod.x.y.C}", "<${A}><${prod.B}><${prod.x.y.C}>"),
    "what is no reference stays": ("$A ${} ${A:-x} ${1} ${A", "$A ${} ${A:-x} ${1} ${A"),
    "a second dollar sign makes it text": ("$${A} $${prod.A} $${ x }", "${A} ${prod.A} ${ x }"),
    "a third is a dollar sign before a reference": ("$$${A}", "$<${A}>"),
    "a fourth is text with a dollar sign more": ("$$$${A}", "$${A}"),
    "what is within escaped braces": ("$${A:-${B}}", "${A:-<${B}>}"),
    "dollar signs elsewhere stay": ("$$ $$A $$$ $", "$$ $$A $$$ $"),
    "an escaped place within another stays text": ("${A $${B}", "${A ${B}"),
    "over several lines": ("x\n${A}\n", "x\n<${A}>\n"),
}


@pytest.mark.parametrize(("text", "expanded"), EXPANDED.values(), ids=EXPANDED.keys())
def test_expands(text: str, expanded: str) -> None:
    assert expand(text, lambda reference: f"<{reference}>") == expanded


def test_takes_an_expanded_value_as_it_is() -> None:
    assert expand("${A}", lambda reference: "${B}") == "${B}"


def test_leaves_as_text_what_turns_out_to_be_none() -> None:
    assert expand("a${prod.1}b", lambda reference: None) == "a${prod.1}b"


@pytest.mark.parametrize("text", ["${dev.${A}.B}", "${@other.prod.A}", "${${A}}", "${A:-${B}}", "$$${@other.prod.A}"])
def test_refuses_what_it_would_expand_wrongly(text: str) -> None:
    with pytest.raises(BadReference, match="not supported"):
        check_references("hunter2" + text)
    with pytest.raises(BadReference, match="not supported") as caught:
        expand("hunter2" + text, lambda reference: "x")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["$${dev.$${A}.B}", "$${@other.prod.A}", "${A:-x}", "${", "${A", "${@}"])
def test_takes_what_is_text(text: str) -> None:
    check_references(text)


@pytest.mark.parametrize(
    "text", ["", "$", "${A}", "$${A}", "$$${A}${B}", "a$b {c} ${", "${${${", "{{ $x }} ${y:-${z}}", "$${"]
)
def test_an_escaped_text_expands_to_itself(text: str) -> None:
    def never(reference: Reference) -> str:
        raise AssertionError(reference)

    check_references(escape(text))
    assert find_references(escape(text)) == []
    assert find_lookalikes(escape(text)) == []
    assert expand(escape(text), never) == text
    assert unescape(escape(text)) == text


LOOK_ALIKE = {
    "a default, which may tell a secret": ("${DB_USER:-hunter2}:${DB_PASS}", ["${DB_USER:-…}"]),
    "spaces": ("${ KEY }", ["${ KEY }"]),
    "an open brace": ("${KEY", ["${KEY"]),
    "a name that is too long": ("${" + "K" * 300 + "}", ["${" + "K" * 64 + "…}"]),
    "each once": ("${A:b}${A:c}", ["${A:…}"]),
    "nothing in references, escapes and empty braces": ("${A} $${A:-x} ${} $A ${prod.x.A}", []),
}


@pytest.mark.parametrize(("text", "parts"), LOOK_ALIKE.values(), ids=LOOK_ALIKE.keys())
def test_names_what_looks_like_a_reference(text: str, parts: list[str]) -> None:
    assert find_lookalikes(text) == parts


@pytest.mark.parametrize("piece", ["$", "${", "$${", "${A", "${A}", "$$", "${${", "{"])
def test_the_work_grows_with_the_text(piece: str) -> None:
    """Each part begins where the one before it ended, so none is looked at twice."""
    text = piece * 2000
    stops = [0]
    for part in references._parts(text):
        assert stops[-1] <= part.start < part.stop
        stops.append(part.stop)


@pytest.mark.parametrize("reference", [Reference("A"), Reference("A", "prod", "/"), Reference("A", "prod", "/x/y")])
def test_prints_as_it_is_written(reference: Reference) -> None:
    assert find_references(str(reference)) == [reference]
