"""A database that is busy is nobody's fault: 503 with Retry-After, on every route."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from tests.api.conftest import Caller
from tests.api.document import operations
from vault.models import Folder, Secret

UUID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
CANARY = "canary-7f3a"
LOG_IN = "/api/v1/auth/universal-auth/login"


def routes() -> Iterator[tuple[str, str]]:
    for method, path, _ in operations():
        yield method, re.sub(r"\{\w+\}", UUID, path)


@contextmanager
def answering(error: Exception) -> Iterator[None]:
    def fail(*args: Any) -> Any:
        # A new one: one that is raised again and again keeps every place that it went through.
        raise type(error)(*error.args)

    with connection.execute_wrapper(fail):
        yield


@pytest.mark.parametrize("error", [OperationalError(CANARY), InterfaceError(CANARY)])
def test_every_route_asks_to_try_again(
    editor: Caller, error: Exception, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    others = []
    for method, path in routes():
        body = {"clientId": UUID, "clientSecret": "x", "accessToken": f"dsa_{'a' * 12}_{'b' * 43}"}
        with answering(error):
            response = editor.send(method, path, body)
        if response.status_code != 503:
            others.append((path, response.status_code))
            continue
        answer = json.loads(response.content)
        assert (answer["statusCode"], answer["error"]) == (503, "ServiceUnavailable")
        assert int(response.headers["Retry-After"]) > 0
        assert CANARY not in str(answer)

    assert [each for each in others if each[1] >= 500 or each[0] != "/api/status"] == []
    assert CANARY not in caplog.text + "".join(capsys.readouterr())


def test_the_document_asks_to_try_again_too(db: None) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))

    with answering(OperationalError(CANARY)):
        response = client.get("/api/docs/json")

    assert response.status_code in (302, 401, 403, 500, 503)
    assert CANARY not in response.content.decode()


@contextmanager
def locked(folder: Folder) -> Iterator[None]:
    """Somebody else writes, and we wait for a moment only."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.execute("PRAGMA busy_timeout = 10")
        with closing(sqlite3.connect(settings["NAME"])) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.rollback()
        connection.connection.execute("PRAGMA busy_timeout = 20000")
        return
    import psycopg

    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '10ms'")
    host = settings["HOST"] or settings.get("OPTIONS", {}).get("host")
    with psycopg.connect(
        host=host, user=settings["USER"], dbname=settings["NAME"], password=settings["PASSWORD"]
    ) as other:
        other.execute("SELECT 1 FROM vault_project WHERE id = %s FOR UPDATE", [folder.environment.project_id])
        yield
        other.rollback()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_waits_in_vain_for_another_writer_is_told_so(
    folder: Folder, transactional_db: None, editor: Caller
) -> None:
    place = {"projectId": str(folder.environment.project_id), "environment": "dev", "secretPath": "/my-secrets"}
    body = place | {"secrets": [{"secretKey": "DB_URL", "secretValue": "new"}]}

    with locked(folder):
        response = editor.send("PATCH", "/api/v4/secrets/batch", body)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert Secret.objects.get(key="DB_URL").version == 1
    editor.patch("/api/v4/secrets/batch", body)
    assert Secret.objects.get(key="DB_URL").version == 2


def test_what_cannot_be_written_into_the_audit_log_is_asked_again(viewer: Caller, folder: Folder) -> None:
    def fail_for_the_log(execute: Any, sql: str, *args: Any) -> Any:
        if "INSERT" in sql and "audit_entry" in sql:
            raise OperationalError(CANARY)
        return execute(sql, *args)

    with connection.execute_wrapper(fail_for_the_log):
        response = viewer.send("DELETE", f"/api/v2/folders/{folder.pk}", {})

    assert response.status_code == 503
    assert (json.loads(response.content)["error"], response.headers["Retry-After"]) == ("ServiceUnavailable", "5")
