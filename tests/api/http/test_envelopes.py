"""Small parts of the way to an answer: kept answers, shared queries, echoes, and what surrounds the routes."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from api.http.conditional import etag_of, not_modified
from api.http.errors import ApiError, NotAuthenticated, TooManyRequests, Unprocessable, issue, respond
from api.http.middleware import ApiErrorMiddleware
from tests.api.conftest import Caller
from vault.models import Project

PROJECTS = "/api/v1/projects"


def ask(held: str | None) -> Any:
    headers = {} if held is None else {"If-None-Match": held}
    return not_modified(RequestFactory().get("/", headers=headers), '"abc"')


KEPT = [
    pytest.param('"abc"', True, id="this very answer"),
    pytest.param('W/"abc"', True, id="this answer, weakly"),
    pytest.param('"x", "abc"', True, id="one of several"),
    pytest.param("*", True, id="any answer"),
    pytest.param('"x"', False, id="another answer"),
    pytest.param("abc", False, id="a word that is no tag"),
    pytest.param("", False, id="an empty header"),
    pytest.param(None, False, id="no header"),
]


@pytest.mark.parametrize(("held", "is_kept"), KEPT)
def test_who_holds_the_answer_gets_none(held: str | None, is_kept: bool) -> None:
    answer = ask(held)

    assert (answer is not None) is is_kept
    if answer is not None:
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", '"abc"')


def test_a_tag_changes_with_each_part() -> None:
    parts: list[tuple[object, ...]] = [
        (),
        ("a",),
        ("a", "b"),
        ("ab",),
        ("a", None),
        ("a", ""),
        ("a", 1),
        ("a", "1"),
        ("a", True),
    ]

    assert len({etag_of(*one) for one in parts}) == len(parts)
    assert etag_of("a", 1) == etag_of("a", 1)


def test_errors_name_themselves_and_what_to_do() -> None:
    assert (ApiError("x").status, ApiError("x").name) == (400, "BadRequest")
    assert NotAuthenticated("x").headers == {"WWW-Authenticate": 'Bearer realm="DevinSync"'}
    assert 'error="invalid_token"' in NotAuthenticated("x", is_invalid=True).headers["WWW-Authenticate"]
    assert TooManyRequests(retry_after=7).headers == {"Retry-After": "7"}
    assert Unprocessable.at("a", "b", message="m").message == [issue(["a", "b"], "m")]


NAMES = {
    400: "BadRequest",
    405: "MethodNotAllowed",
    418: "BadRequest",
    500: "InternalServerError",
    502: "InternalServerError",
}


@pytest.mark.parametrize(("status", "name"), NAMES.items())
def test_every_status_has_a_name(status: int, name: str) -> None:
    assert f'"error": "{name}"' in respond(status, "m").content.decode()


def around(path: str, response: HttpResponse) -> HttpResponse:
    return ApiErrorMiddleware(lambda request: response)(RequestFactory().get(path))


def test_an_error_from_around_leaves_in_the_envelope_with_its_headers() -> None:
    answer = around("/api/v1/x", HttpResponse("<h1>no</h1>", status=404, headers={"X-Why": "because"}))

    assert answer["Content-Type"] == "application/json"
    assert answer["X-Why"] == "because"
    assert b"There is no such route" in answer.content
    assert b"<h1>" not in answer.content


@pytest.mark.parametrize("path", ["/admin/x", "/apix", "/"])
def test_pages_are_left_as_they_are(path: str) -> None:
    assert around(path, HttpResponse("<h1>no</h1>", status=404)).content == b"<h1>no</h1>"


def test_an_answer_that_is_json_already_is_left_as_it_is() -> None:
    response = HttpResponse("{}", status=418, content_type="application/json; charset=utf-8")

    assert around("/api/v1/x", response) is response


ECHOES: list[Any] = [
    pytest.param({"projectId": "{pk}"}, 200, id="the project's id"),
    pytest.param({"workspaceId": "{hex}"}, 200, id="in another spelling"),
    pytest.param({"PROJECTID": "{pk}"}, 200, id="in another case"),
    pytest.param({"id": "{pk}"}, 200, id="as its own id"),
    pytest.param({"projectId": None}, 200, id="nothing"),
    pytest.param({"projectId": ""}, 200, id="an empty text"),
    pytest.param({"projectId": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}, 422, id="another project"),
    pytest.param({"projectId": "acme-shop"}, 422, id="its slug in the place of its id"),
    pytest.param({"id": 5}, 422, id="a number"),
    pytest.param({"workspaceId": ["{pk}"]}, 422, id="a list of it"),
]


@pytest.mark.parametrize(("echo", "status"), ECHOES)
def test_a_body_may_repeat_the_address_and_not_contradict_it(
    editor: Caller, project: Project, echo: dict[str, Any], status: int
) -> None:
    said = {
        name: given.format(pk=project.pk, hex=project.pk.hex) if isinstance(given, str) else given
        for name, given in echo.items()
    }

    answer = editor.patch(f"{PROJECTS}/{project.pk}", {"name": "New", **said}, status=status)

    assert Project.objects.get().name == ("New" if status == 200 else "Acme shop")
    if status == 422:
        assert [found["path"] for found in answer["message"]] == [list(echo)]
        assert str(project.pk) in answer["message"][0]["message"]


PLACES: list[Any] = [
    pytest.param("projectId={pk}&environment=dev", 200, id="a project by id"),
    pytest.param("workspaceId={pk}&environment=dev", 200, id="by its former name"),
    pytest.param("projectSlug=acme-shop&environment=dev", 200, id="by slug"),
    pytest.param("workspaceSlug=acme-shop&environment=dev", 200, id="by slug under its former name"),
    pytest.param("projectId={pk}&projectSlug=other&environment=dev", 200, id="the id before the slug"),
    pytest.param("projectId={pk}&environment=dev&path=", 200, id="an empty path"),
    pytest.param("projectId={pk}&environment=dev&path=%20/%20", 200, id="blanks around a path"),
    pytest.param("environment=dev", 400, id="no project"),
    pytest.param("projectId={pk}", 422, id="no environment"),
    pytest.param("projectId={pk}&environment=", 422, id="an empty environment"),
    pytest.param("projectId={pk}&environment=none", 404, id="no such environment"),
    pytest.param("projectSlug=none&environment=dev", 404, id="no such slug"),
    pytest.param("projectId=" + "x" * 65 + "&environment=dev", 422, id="an id too long"),
    pytest.param("projectId={pk}&environment=dev&recursive=maybe", 422, id="a word for a switch"),
    pytest.param("projectId={pk}&environment=dev&path=" + "x" * 1025, 422, id="a path too long"),
    pytest.param("projectId={pk}&environment=dev&path=%ff", 404, id="a path that is no UTF-8"),
]


@pytest.mark.parametrize(("query", "status"), PLACES)
def test_a_place_in_a_query(editor: Caller, project: Project, query: str, status: int) -> None:
    answer = editor.get(f"/api/v2/folders?{query.format(pk=project.pk)}", status=status)

    assert status != 200 or answer == {"folders": []}
