"""Bodies: what JSON and forms are read as, and what no database could keep."""

import json
from typing import Any

import pytest
from ninja.errors import HttpError

from api.http.forms import MOST_FIELDS, FormText, read_form
from api.http.parser import is_storable
from tests.api.conftest import Caller
from vault.models import Project

PROJECTS = "/api/v1/projects"

FORMS: list[Any] = [
    pytest.param(b"", {}, id="nothing"),
    pytest.param(b"a=1", {"a": "1"}, id="a field"),
    pytest.param(b"a=1&a=2", {"a": "2"}, id="the last of two"),
    pytest.param(b"a=&b", {"a": "", "b": ""}, id="empty ones"),
    pytest.param(b"a=b%20c+d%26", {"a": "b c d&"}, id="escapes"),
    pytest.param("a=ä🔑".encode(), {"a": "ä🔑"}, id="UTF-8"),
    pytest.param(b"a[b]=1&a[c]=2", {"a": {"b": "1", "c": "2"}}, id="an object"),
    pytest.param(b"a[b][c][d]=1", {"a": {"b": {"c": {"d": "1"}}}}, id="three deep"),
    pytest.param(b"a[b]=1&a=2", {"a": "2"}, id="a text in the place of an object"),
]


@pytest.mark.parametrize(("body", "read"), FORMS)
def test_reads_a_form(body: bytes, read: dict[str, Any]) -> None:
    assert read_form(body) == read


NO_FORMS = [
    pytest.param(b"a=\xff", id="no UTF-8"),
    pytest.param(b"a=%ff", id="no UTF-8 once unescaped"),
    pytest.param(b"a=1&a[b]=2", id="an object in the place of a text"),
    pytest.param(b"a[b][c][d][e]=1", id="four deep"),
    pytest.param(b"&".join(b"a%d=1" % number for number in range(MOST_FIELDS + 1)), id="too many fields"),
]


@pytest.mark.parametrize("body", NO_FORMS)
def test_refuses_a_form_without_repeating_it(body: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        read_form(body)

    assert caught.value.status_code == 400


def test_a_forms_texts_are_known_for_what_they_are() -> None:
    assert isinstance(read_form(b"a=true")["a"], FormText)


STORABLE: list[Any] = [None, True, 1, 1.5, "", "ä🔑\n\u2028", [], {}, {"a": ["b", {"c": None}]}]
NOT_STORABLE: list[Any] = ["\0", "a\0b", "\ud800", "\udfff", ["ok", "\0"], {"\0": 1}, {"a": {"b": ["\ud83d"]}}]


@pytest.mark.parametrize("body", STORABLE)
def test_can_be_stored(body: Any) -> None:
    assert is_storable(body)


@pytest.mark.parametrize("body", NOT_STORABLE)
def test_cannot_be_stored(body: Any) -> None:
    assert not is_storable(body)


def send(caller: Caller, body: str, content_type: str = "application/json") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {caller.token}"}
    response = caller.client.generic("POST", PROJECTS, body, content_type=content_type, headers=headers)
    return response.status_code, json.loads(response.content)


DEEP = [
    pytest.param("[" * 300 + "]" * 300, id="lists in lists"),
    pytest.param("[" * 900 + "]" * 900, id="as deep as JSON's own reader goes"),
    pytest.param('{"a":' * 600 + "1" + "}" * 600, id="objects in objects"),
    pytest.param('{"projectName":' + "[" * 700 + "]" * 700 + "}", id="in a field that is known"),
    pytest.param('{"unknown":' + '{"a":[' * 400 + "]}" * 400 + "}", id="in a field that is not"),
]


@pytest.mark.parametrize("body", DEEP)
def test_a_body_of_any_depth_is_answered(editor: Caller, body: str) -> None:
    status, answer = send(editor, body)

    assert status in (400, 422)
    assert answer["statusCode"] == status
    assert not Project.objects.exists()


NO_OBJECTS = ["null", "5", '"text"', "[]", "true"]


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_what_is_no_object_is_told_so(editor: Caller, body: str) -> None:
    assert send(editor, body)[0] == 422


BAD = [
    pytest.param('{"projectName": Infinity}', id="no number of JSON"),
    pytest.param('{"projectName": "a",}', id="a comma too many"),
    pytest.param("{'projectName': 'a'}", id="other quotes"),
    pytest.param('{"projectName": "a"} {}', id="two bodies"),
    pytest.param('{"projectName": ' + "9" * 5000 + "}", id="a number of 5000 digits"),
]


@pytest.mark.parametrize("body", BAD)
def test_bad_json_is_a_bad_request_and_is_not_repeated(editor: Caller, body: str) -> None:
    status, answer = send(editor, body)

    assert (status, answer["error"]) == (400, "BadRequest")
    assert "projectName" not in answer["message"]


def test_of_a_name_that_comes_twice_the_last_counts(editor: Caller) -> None:
    assert send(editor, '{"projectName": "a", "projectName": "b"}')[1]["project"]["name"] == "b"


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x-www-form-urlencoded; charset=utf-8"],
)
def test_takes_a_kind_of_body_however_it_is_written(editor: Caller, content_type: str) -> None:
    body = "projectName=A" if "form" in content_type else '{"projectName": "A"}'

    assert send(editor, body, content_type)[0] == 200
