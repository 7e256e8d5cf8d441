import pytest

from vault.references import BadReference, Reference, expand, find_references

FOUND = {
    "a key of the same folder": ("${A}", [Reference("A")]),
    "a key of an environment's root": ("${prod.A}", [Reference("A", "prod", "/")]),
    "a key of a folder": ("${prod.app.api.A}", [Reference("A", "prod", "/app/api")]),
    "several, each once": ("x${A}y${B}z${A}", [Reference("A"), Reference("B")]),
    "names with hyphens and underscores": ("${pre-prod.my_app.A-1}", [Reference("A-1", "pre-prod", "/my_app")]),
    "a dollar sign before is just text": ("$${A}", [Reference("A")]),
    "without braces it is text": ("$A {A}", []),
    "what the shell would make of it is text": ("${A:-x} ${#A} ${A[0]} ${}", []),
    "an open brace is text": ("${A", []),
    "a key can't start with a digit": ("${1} ${prod.1}", []),
}


@pytest.mark.parametrize(("text", "references"), FOUND.values(), ids=FOUND.keys())
def test_finds(text: str, references: list[Reference]) -> None:
    assert find_references(text) == references


EXPANDED = {
    "a reference and the text around it": ("a ${A} b", "a <${A}> b"),
    "several": ("${A}${prod.B}${prod.x.y.C}", "<${A}><${prod.B}><${prod.x.y.C}>"),
    "what is no reference stays": ("$A ${} ${A:-x} ${1} ${A", "$A ${} ${A:-x} ${1} ${A"),
    "a dollar sign before stays": ("$${A}", "$<${A}>"),
    "over several lines": ("x\n${A}\n", "x\n<${A}>\n"),
}


@pytest.mark.parametrize(("text", "expanded"), EXPANDED.values(), ids=EXPANDED.keys())
def test_expands(text: str, expanded: str) -> None:
    assert expand(text, lambda reference: f"<{reference}>") == expanded


def test_takes_an_expanded_value_as_it_is() -> None:
    assert expand("${A}", lambda reference: "${B}") == "${B}"


@pytest.mark.parametrize("text", ["${dev.${A}.B}", "${@other.prod.A}"])
def test_refuses_what_it_would_expand_wrongly(text: str) -> None:
    with pytest.raises(BadReference, match="not supported"):
        expand("hunter2" + text, lambda reference: "x")


@pytest.mark.parametrize("reference", [Reference("A"), Reference("A", "prod", "/"), Reference("A", "prod", "/x/y")])
def test_prints_as_it_is_written(reference: Reference) -> None:
    assert find_references(str(reference)) == [reference]
