"""The OpenAPI document: whole, described, true, and to be read without the outside world."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from ninja.openapi.schema import OpenAPISchema

from api.app import api
from api.http.openapi import complete
from tests.api.conftest import Caller

DOCUMENT = "/api/docs/json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    from django.urls import reverse

    reverse("api:openapi-json")
    return json.loads(json.dumps(api.get_openapi_schema()))  # type: ignore[no-any-return]


def test_is_what_ninja_makes_of_the_routes(document: dict[str, Any]) -> None:
    """Though shapes that several routes answer are worked out once."""
    slowly = complete(OpenAPISchema(api, "/api/"), server=document["servers"][0]["url"])

    assert json.loads(json.dumps(slowly)) == document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]

    assert len(names) == len(set(names)) > 60


def test_every_operation_is_described_with_its_errors_and_an_example(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["description"], name
        assert set(operation["responses"]) >= {"200", "400", "401", "403", "404", "422", "429"}, name
        answers = [answer for status, answer in operation["responses"].items() if status != "304"]
        contents = [answer["content"]["application/json"] for answer in answers]
        assert all("example" in content for content in contents), name
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["example"] is not None, name


def test_every_operation_but_log_in_and_status_asks_for_a_token(document: dict[str, Any]) -> None:
    open_to_all = [name for name, operation in operations(document) if not operation.get("security")]

    assert open_to_all == [
        "POST /api/v1/auth/universal-auth/login",
        "POST /api/v1/auth/token/renew",
        "POST /api/v1/auth/token/revoke",
        "GET /api/status",
    ]


def test_examples_of_bodies_hold(document: dict[str, Any]) -> None:
    sample = document["paths"]["/api/v1/secret-syncs/devin"]["post"]["requestBody"]["content"]["application/json"]

    assert sample["example"]["syncOptions"] == {"initialSyncBehavior": "overwrite-destination"}
    assert sample["example"]["secretPath"] == "/my-secrets"


def test_is_for_people_who_are_signed_in(client: Client, db: None) -> None:
    assert client.get(DOCUMENT).status_code == 401
    assert client.get("/api/docs").headers["Location"] == "/admin/login/?next=/api/docs"

    client.force_login(User.objects.create_superuser("root"))

    assert client.get(DOCUMENT).json()["info"]["title"] == "DevinSync API"
    assert client.get("/api/docs").status_code == 200


def test_is_for_scripts_with_a_token(viewer: Caller) -> None:
    assert viewer.get(DOCUMENT)["openapi"].startswith("3.1")
    Caller("wrong").get(DOCUMENT, status=401)


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(client: Client, db: None) -> None:
    client.force_login(User.objects.create_superuser("root"))

    page = client.get("/api/docs").content.decode()

    assert "http://" not in page
    assert "https://" not in page
    assert " style=" not in page
    assert "<script>" not in page
