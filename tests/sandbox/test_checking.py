"""An instruction of the wrong kind is refused with a word that helps, and changes nothing."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from sandbox.checking import BadInstruction, allow, check, texts
from sandbox.server import Sandbox
from tests.sandbox.caller import Caller


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Shape:
    name: str = ""
    count: int = 0
    limit: int | None = None
    seconds: float = 0.0
    is_round: bool = True
    colour: Colour = Colour.RED
    either: int | str = 1
    labels: dict[str, str] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()


GOOD: list[dict[str, Any]] = [
    {"name": "", "count": 0, "limit": None, "seconds": 0, "is_round": False, "colour": "blue"},
    {"limit": 5, "seconds": 0.5, "either": "soon", "labels": {"a": "b"}, "parts": ["a"]},
    {"either": 7, "labels": {}, "parts": []},
]


@pytest.mark.parametrize("given", GOOD)
def test_takes_what_fields_may_hold(given: dict[str, Any]) -> None:
    assert check(given, Shape) == given


BAD: list[tuple[str, Any, str]] = [
    ("name", 5, "name must be a text."),
    ("name", None, "name must be a text."),
    ("count", "5", "count must be a whole number from 0."),
    ("count", True, "count must be a whole number from 0."),
    ("count", 1.5, "count must be a whole number from 0."),
    ("count", -1, "count must be a whole number from 0."),
    ("limit", "none", "limit must be a whole number from 0 or null."),
    ("seconds", "1", "seconds must be a number from 0."),
    ("seconds", float("inf"), "seconds must be a number from 0."),
    ("seconds", float("nan"), "seconds must be a number from 0."),
    ("is_round", 1, "is_round must be true or false."),
    ("colour", "green", "colour must be one of red, blue."),
    ("colour", 1, "colour must be one of red, blue."),
    ("either", [], "either must be a whole number from 0 or a text."),
    ("labels", {"a": 1}, "labels must be an object of texts."),
    ("labels", [], "labels must be an object of texts."),
    ("parts", "abc", "parts must be a list of texts."),
    ("parts", ["a", 1], "parts must be a list of texts."),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD)
def test_says_what_would_be_right(name: str, value: Any, message: str) -> None:
    with pytest.raises(BadInstruction) as caught:
        check({name: value}, Shape)

    assert str(caught.value) == message


@pytest.mark.parametrize("given", [None, 5, "ab", ["a"]])
def test_an_instruction_is_an_object(given: Any) -> None:
    with pytest.raises(BadInstruction, match="An object was expected"):
        allow(given, {"a"})


def test_a_name_that_nobody_knows_is_told_with_those_that_are() -> None:
    with pytest.raises(BadInstruction, match=r"Unknown: d\. Known: a, b, c\."):
        allow({"a": 1, "d": 2}, {"c", "b", "a"})


def test_a_list_of_texts_may_be_left_out_but_is_never_a_text() -> None:
    assert texts({}, "keys") == []
    with pytest.raises(BadInstruction, match="a list of texts"):
        texts({"keys": "DB_URL"}, "keys")


CONFIGURE, DECLARE = "/_sandbox/configure", "/_sandbox/organizations"
ORGANIZATION = f"{DECLARE}/org-sandbox"
WRONG: list[Any] = [
    pytest.param("POST", CONFIGURE, {"latency": "slow"}, id="a latency that is no number"),
    pytest.param("POST", CONFIGURE, {"rate_per_minute": -1}, id="less than no request"),
    pytest.param("POST", CONFIGURE, {"page_size": -2}, id="a page of less than nothing"),
    pytest.param("POST", CONFIGURE, {"faults": {"kind": "cut"}}, id="faults that are no list"),
    pytest.param("POST", CONFIGURE, {"faults": ["cut"]}, id="a fault that is a word"),
    pytest.param("POST", CONFIGURE, {"faults": [{"faults": ["cut"]}]}, id="a fault in a list that is a word"),
    pytest.param("POST", CONFIGURE, {"faults": [{"kind": "delay", "seconds": "1"}]}, id="seconds as a text"),
    pytest.param("POST", CONFIGURE, {"faults": [{"kind": "drip", "part": "foot"}]}, id="no such part"),
    pytest.param("POST", CONFIGURE, {"faults": [{"kind": "signal", "signal": "SIGNONE"}]}, id="no signal"),
    pytest.param("POST", CONFIGURE, {"faults": [{"kind": "cut", "times": "2"}]}, id="times as a text"),
    pytest.param("POST", "/_sandbox/reset", {"traffic": "no"}, id="a word for yes or no"),
    pytest.param("POST", DECLARE, {"organizations": ["org-b"]}, id="an organization that is a word"),
    pytest.param("POST", DECLARE, {"organizations": [{"name": "B"}]}, id="an organization without id"),
    pytest.param("POST", DECLARE, {"organizations": "org-b"}, id="organizations that are a word"),
    pytest.param("POST", DECLARE, {"keys": [{"org_id": None}]}, id="a key without its token"),
    pytest.param(
        "POST",
        DECLARE,
        {"keys": [{"token": "cog_b", "permissions": "ManageOrgSecrets"}]},
        id="permissions that would be read letter by letter",
    ),
    pytest.param("POST", DECLARE, {"revoke": "cog_sandbox"}, id="a token to revoke outside of a list"),
    pytest.param("POST", f"{ORGANIZATION}/refuse", {"keys": "DB_URL"}, id="a key to refuse outside of a list"),
    pytest.param("POST", f"{ORGANIZATION}/refuse", {"key": ["DB_URL"]}, id="a misspelt list"),
    pytest.param("POST", f"{ORGANIZATION}/secrets", {"key": 5}, id="a key that is a number"),
    pytest.param("POST", f"{ORGANIZATION}/secrets", {"value": 5}, id="a value that is a number"),
    pytest.param("POST", f"{ORGANIZATION}/secrets", {"created_at": "yesterday"}, id="a time that is a word"),
    pytest.param("PATCH", f"{ORGANIZATION}/secrets/secret-a", {"note": []}, id="a note that is a list"),
    pytest.param("GET", "/_sandbox/log?after=x", None, id="a number that is none"),
]


@pytest.mark.parametrize(("method", "path", "body"), WRONG)
def test_a_wrong_word_is_refused_at_once_and_breaks_no_later_request(
    sandbox: Sandbox, caller: Caller, method: str, path: str, body: Any
) -> None:
    sandbox.organization().put(key="A", secret_id="secret-a")

    reply = caller.send(method, path, body)

    assert reply.status == 400
    assert reply.json["detail"]
    assert caller.page().json["total"] == 1
    assert caller.create("DB_URL").status == 200
    assert caller.send("GET", "/orgs/org-sandbox").status == 200
    assert caller.send("GET", ORGANIZATION).json["count"] == 2


def test_of_a_wrong_list_nothing_is_carried_out(sandbox: Sandbox, caller: Caller) -> None:
    body = {"organizations": [{"org_id": "org-b"}], "keys": [{"token": 5}], "revoke": ["cog_sandbox"]}

    assert caller.send("POST", DECLARE, body).status == 400

    assert sandbox.directory.find("org-b") is None
    assert caller.page().status == 200
