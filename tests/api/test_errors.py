"""Every error leaves in one envelope, and none repeats what may be a value."""

import json
from typing import Any

import pytest
from django.conf import LazySettings

from tests.api.conftest import Caller
from vault.models import Folder

OPTIONS = "/api/v1/secret-syncs/options"
PROJECTS = "/api/v1/projects"


def assert_envelope(answer: Any, status: int, error: str) -> None:
    assert [name for name in answer if name != "docs"] == ["reqId", "statusCode", "message", "error"]
    assert (answer["statusCode"], answer["error"]) == (status, error)
    assert answer["reqId"]
    assert answer["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/api/v1/none", 404, "NotFound"),
        ("GET", "/api/", 404, "NotFound"),
        ("PUT", PROJECTS, 405, "MethodNotAllowed"),
        ("GET", f"{PROJECTS}/none", 404, "NotFound"),
        ("GET", "/api/v1/secret-syncs/devin/%00", 400, "BadRequest"),
        ("GET", f"{PROJECTS}?x=%00", 400, "BadRequest"),
    ],
)
def test_has_one_shape(editor: Caller, method: str, path: str, status: int, error: str) -> None:
    assert_envelope(editor.ask(method, path, status=status), status, error)


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/none"), ("GET", "/api/v9/secrets/"), ("PUT", PROJECTS)])
def test_an_unknown_route_says_where_the_routes_are(editor: Caller, method: str, path: str) -> None:
    assert json.loads(editor.send(method, path).content)["docs"] == "/api/docs"


def test_tells_which_methods_there_are(editor: Caller) -> None:
    allowed = editor.send("PUT", PROJECTS).headers["Allow"]

    assert set(allowed.split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[" * 100_000,
        '{"projectName": NaN}',
        '{"projectName": "a\\u0000b"}',
        '{"projectName": "\\ud800"}',
        '{"\\ud800": 1}',
        "\xff",
    ],
)
def test_bad_json_is_a_bad_request(editor: Caller, body: str) -> None:
    headers = {"Authorization": f"Bearer {editor.token}"}

    response = editor.client.generic(
        "POST", PROJECTS, body.encode("latin-1"), content_type="application/json", headers=headers
    )

    assert_envelope(json.loads(response.content), 400, "BadRequest")


def test_a_body_that_is_too_large_is_told_so(editor: Caller, settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    answer = editor.post(PROJECTS, {"projectName": "x" * 100}, status=413)

    assert_envelope(answer, 413, "PayloadTooLarge")


@pytest.mark.parametrize("path", ["/api/v1/none", "/api/v1/secret-syncs/devin/x", PROJECTS])
def test_errors_are_as_guarded_as_answers(anonymous: Caller, path: str) -> None:
    headers = anonymous.send("GET", path).headers

    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"].startswith("application/json")


def test_a_body_of_another_kind_is_told_so(editor: Caller) -> None:
    bodies: tuple[Any, ...] = ([], "text", 1, None)
    for body in bodies:
        assert_envelope(editor.post(PROJECTS, body, status=422), 422, "ValidationFailure")


def test_answers_with_the_request_id_that_it_got(editor: Caller) -> None:
    response = editor.send("GET", f"{PROJECTS}/none", X_Request_Id="from-ci.1")

    assert response.headers["X-Request-Id"] == "from-ci.1"
    assert json.loads(response.content)["reqId"] == "from-ci.1"


def test_takes_no_request_id_that_could_forge_a_log_line(editor: Caller) -> None:
    response = editor.send("GET", OPTIONS, X_Request_Id="a b")

    assert response.headers["X-Request-Id"] != "a b"


def test_a_fault_of_ours_tells_nothing(
    editor: Caller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        canary = "canary-value"
        raise RuntimeError(f"broke on {canary}")

    monkeypatch.setattr("api.resources.projects.router.projects_for", fail)

    answer = editor.get(PROJECTS, status=500)

    assert_envelope(answer, 500, "InternalServerError")
    logged = caplog.text + "".join(capsys.readouterr())
    assert "canary" not in str(answer) + logged
    assert "RuntimeError" in logged


@pytest.mark.parametrize(
    "field", ["is_superuser", "id", "createdAt", "version", "owner", "sync_status", "generation", "last_synced_at"]
)
def test_a_field_that_is_not_declared_does_nothing(editor: Caller, field: str) -> None:
    plain = editor.post(PROJECTS, {"projectName": "Shop"})["project"]

    project = editor.post(PROJECTS, {"projectName": "Other", field: plain["id"]})["project"]

    assert project["id"] != plain["id"]
    assert set(project) == set(plain)


def test_a_source_that_cannot_be_read_is_no_fault_of_ours(editor: Caller, folder: Folder) -> None:
    """A folder that somebody changed in the database behind us, say."""
    Folder.objects.filter(pk=folder.pk).update(path="/moved")
    place = {"projectId": str(folder.environment.project_id), "environment": "dev"}

    checked = editor.post("/api/v1/secret-syncs/devin/check-conflicts", {**place, "secretPath": "/moved"}, status=400)
    read = editor.send("GET", f"/api/v4/secrets?projectId={place['projectId']}&environment=dev&secretPath=/moved")

    assert_envelope(checked, 400, "BadRequest")
    assert "dev:/moved is not as DevinSync left it" in checked["message"]
    assert read.status_code == 400
    assert "postgres://db" not in read.content.decode()
