"""Answers that a self-hosted server of 2024 gave, replayed: what is read from them, and what they are errors of."""

import json
from pathlib import Path
from typing import Any

import pytest

from connections.http import Answer
from connections.infisical import errors
from connections.infisical.answers import Attempt, error_in, is_missing_route, retry_after
from sandbox.infisical import api
from sandbox.infisical.world import Edition, World
from sandbox.wire import Request
from sources.infisical.projects import environments_in, project_in
from sources.infisical.rows import Unbelievable, as_secrets, merge, parse
from sources.protocol import Place

FOLDER = Path(__file__).parent / "recordings"
PROJECT = "77fa7aed-9288-401e-a4c9-3a9430be62a4"


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def answer_of(name: str) -> Answer:
    response = recorded(name)["response"]
    # As the library hands them over: their names are looked up in any case.
    headers = {key.title().replace("Ratelimit", "RateLimit"): text for key, text in response["headers"].items()}
    return Answer(response["status"], headers, json.dumps(response["body"]).encode())


def body_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = recorded(name)["response"]["body"]
    return found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("err_expired_token", errors.TokenRefused),
        ("err_token_after_failed_renew", errors.TokenRefused),
        ("err_malformed_jwt", errors.TokenRefused),
        ("err_bad_signature", errors.TokenRefused),
        ("err_no_auth", errors.TokenRefused),
        ("err_no_permission", errors.Forbidden),
        ("workspace_list_identity", errors.Forbidden),
        ("err_missing_project", errors.NotFound),
        ("v4_absent_in_this_version", errors.NotFound),
        ("err_no_env", errors.Rejected),
        ("err_no_project", errors.Rejected),
        ("err_429", errors.RateLimited),
    ],
)
def test_what_an_answer_is_an_error_of(name: str, kind: type[errors.InfisicalError]) -> None:
    assert type(error_in(answer_of(name), Attempt("try", "acme"))) is kind


@pytest.mark.parametrize("name", ["login_missing_field", "login_unknown_client", "login_wrong_secret_1"])
def test_a_refused_login_is_one(name: str) -> None:
    error = error_in(answer_of(name), Attempt("log in", "acme", is_login=True))

    assert type(error) is errors.LoginRefused
    assert not error.retryable


@pytest.mark.parametrize(
    ("name", "missing"),
    [("v4_absent_in_this_version", True), ("folders_v2", True), ("projects_v1", True), ("err_missing_project", False)],
)
def test_a_missing_route_is_told_from_a_missing_project(name: str, missing: bool) -> None:
    assert is_missing_route(answer_of(name)) is missing


def test_a_429_says_how_long() -> None:
    assert retry_after(answer_of("err_429")).total_seconds() == 59


def test_a_folder_with_two_imports() -> None:
    """Two imports that share keys, of which one holds a reference that the server left."""
    data = body_of("raw_app_both_spellings_and_unknown_keys")
    listed = parse(data, project_id=PROJECT, place=Place("dev", "/app"), recursive=False)
    merged = {row.key: row for row in merge(listed, {})}

    assert {key: (row.value, row.place.path) for key, row in merged.items()} == {
        "DUP": ("own", "/app"),
        "NAME": ("app", "/app"),
        "ONLY1": ("1", "/common"),
        "ONLY2": ("2", "/common2"),
        "SHARED": ("from-common2", "/common2"),
        "IREF": ("${ONLY2}", "/common"),
    }
    with pytest.raises(Unbelievable, match="the value of IREF in dev:/common still holds a reference"):
        as_secrets(merged.values())


def test_one_spelling_of_imports_is_not_enough() -> None:
    with pytest.raises(Unbelievable, match="the answer has no list of imports"):
        parse(body_of("raw_app_includeImports_camel"), project_id=PROJECT, place=Place("dev", "/app"), recursive=False)


def test_expanded_values_come_as_they_are() -> None:
    data = body_of("raw_root_expand") | {"imports": []}
    rows = merge(parse(data, project_id=PROJECT, place=Place("dev", "/"), recursive=False), {})

    values = {secret.key: secret.value for secret in as_secrets(row for row in rows if row.key != "MISSING_REF")}
    assert values == {
        "HOST": "db.local",
        "URL": "postgres://db.local:5432/app",
        "ESC": "cost $$ ${}",
        "EMPTY": "",
        "MULTI": "l1\nl2",
        "UNI": 'héllo ✓ "q" $x',
    }
    with pytest.raises(Unbelievable, match="MISSING_REF"):
        as_secrets(rows)


def test_values_that_come_unasked_are_not_looked_at() -> None:
    data = body_of("raw_viewSecretValue_false") | {"imports": []}

    listed = parse(data, project_id=PROJECT, place=Place("dev", "/"), recursive=False, values=False)

    assert {row.value for row in listed.rows} == {""}


def test_a_project_and_its_environments() -> None:
    project = project_in(body_of("workspace_get"))

    assert (project["id"], project["slug"]) == (PROJECT, "first-project-v2")
    assert [(entry.slug, entry.name) for entry in environments_in(project)] == [
        ("dev", "Development"),
        ("staging", "Staging"),
        ("prod", "Production"),
    ]


# The stand-in answers as the server did


def asked(world: World, method: str, path: str, *, token: str = "", body: object = None) -> Any:
    at, _, query = path.partition("?")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return api.carry_out(world, Request(method, at, query, headers, json.dumps(body).encode(), 0))


@pytest.fixture
def world() -> World:
    world = World(edition=Edition.OLD)
    world.add_identity("c", "s")
    project = world.add_project("first-project-v2")
    world.projects = {PROJECT: project}
    project.id = PROJECT
    world.put(project, "dev", "/app", NAME="app")
    world.add_folder(project, "dev", "/empty")
    return world


@pytest.mark.parametrize(
    "name",
    [
        "err_missing_folder",
        "v4_absent_in_this_version",
        "folders_v2",
        "projects_v1",
        "workspace_list_identity",
        "raw_empty_folder",
        "err_missing_project",
    ],
)
def test_the_stand_in_answers_in_the_same_shape(world: World, name: str) -> None:
    wanted = recorded(name)
    token = world.new_token(world.identities["c"])

    answer = asked(world, "GET", wanted["request"]["path"], token=token)

    assert answer.status == wanted["response"]["status"]
    assert set(wanted["response"]["body"]) - {"imports"} <= set(answer.content)
    assert answer.content.get("secrets") == wanted["response"]["body"].get("secrets")
    if "error" in answer.content:
        assert answer.content["error"] == wanted["response"]["body"]["error"]


def test_the_stand_in_gives_rows_of_the_same_shape(world: World) -> None:
    wanted = body_of("raw_app_both_spellings_and_unknown_keys")["secrets"][0]
    token = world.new_token(world.identities["c"])

    path = f"/api/v3/secrets/raw?workspaceId={PROJECT}&environment=dev&secretPath=/app"
    (row,) = asked(world, "GET", path, token=token).content["secrets"]

    assert set(row) == set(wanted)


def test_the_stand_in_logs_in_as_the_server_does(world: World) -> None:
    login = recorded("login_ok")
    body = {"clientId": "c", "clientSecret": "s"}

    answer = asked(world, "POST", login["request"]["path"], body=body)

    assert set(answer.content) == set(login["response"]["body"])
    assert asked(world, "POST", login["request"]["path"], body=body | {"clientSecret": "x"}).status == 401
    assert asked(world, "POST", login["request"]["path"], body={"clientId": "c"}).status == 401
