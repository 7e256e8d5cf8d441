"""The stand-in for Infisical, apart from what is read there: who may ask, how often, and what its page does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.infisical.__main__ import build, read_arguments
from sandbox.infisical.sample import CLIENT_ID, CLIENT_SECRET, PROJECT_ID, SLUG
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition
from tests.connections.servers import reply, serving
from tests.patience import PATIENCE, wait_until

LOGIN = "/api/v1/auth/universal-auth/login"
SECRETS = f"/api/v4/secrets?projectId={PROJECT_ID}&environment=dev&secretPath=/checkout&includeImports=true"


@pytest.fixture
def infisical() -> Iterator[InfisicalSandbox]:
    with build(read_arguments(["--port", "0"])) as server:
        yield server


def ask(server: InfisicalSandbox, path: str, *, token: str = "", method: str = "GET", body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, server.url + path, headers=headers, json=body, timeout=PATIENCE)


def log_in(server: InfisicalSandbox, secret: str = CLIENT_SECRET) -> Any:
    return ask(server, LOGIN, method="POST", body={"clientId": CLIENT_ID, "clientSecret": secret})


def test_it_has_a_sample_with_an_import_and_a_reference(infisical: InfisicalSandbox) -> None:
    token = log_in(infisical).json()["accessToken"]

    answer = ask(infisical, f"{SECRETS}&expandSecretReferences=true", token=token).json()

    values = {row["secretKey"]: row["secretValue"] for row in answer["secrets"]}
    assert values["DB_URL"] == "postgres://db.shop.example:5432/shop"
    assert [block["secretPath"] for block in answer["imports"]] == ["/shared"]


def test_a_token_expires(infisical: InfisicalSandbox) -> None:
    token = log_in(infisical).json()["accessToken"]
    infisical.world.pass_time(2_592_001)

    answer = ask(infisical, SECRETS, token=token)

    assert (answer.status_code, answer.json()["error"]) == (403, "TokenError")


@pytest.mark.parametrize(("edition", "status"), [(Edition.NEW, 401), (Edition.OLD, 200)])
def test_three_wrong_logins_lock_an_identity_out(infisical: InfisicalSandbox, edition: Edition, status: int) -> None:
    infisical.world.edition = edition
    for _ in range(3):
        assert log_in(infisical, "wrong").status_code == 401

    assert log_in(infisical).status_code == status
    infisical.world.pass_time(301)
    assert log_in(infisical).status_code == 200


def test_a_limit_is_told_and_held() -> None:
    with build(read_arguments(["--port", "0", "--secret-reads-per-minute", "2"])) as server:
        server.world.window = 3600
        token = log_in(server).json()["accessToken"]

        answers = [ask(server, SECRETS, token=token) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["x-ratelimit-remaining"] == "1"
        assert 1 <= int(answers[2].headers["retry-after"]) <= 3600
        server.world.pass_time(3601)
        assert ask(server, SECRETS, token=token).status_code == 200


def test_an_etag_spares_the_answer(infisical: InfisicalSandbox) -> None:
    token = log_in(infisical).json()["accessToken"]
    first = ask(infisical, SECRETS, token=token)

    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {token}", "If-None-Match": first.headers["etag"]}
        again = session.get(infisical.url + SECRETS, headers=headers, timeout=PATIENCE)

    assert (again.status_code, again.content) == (304, b"")


def test_a_change_by_hand_is_told_to_the_webhooks(infisical: InfisicalSandbox) -> None:
    with serving(lambda request, sock: reply(200, {})) as receiver:
        told = ask(infisical, "/_sandbox/webhooks", method="PUT", body={"url": f"{receiver.url}/hook", "secret": "s"})
        body = {"project": SLUG, "environment": "dev", "path": "/checkout", "key": "DB_HOST", "value": "new"}
        changed = ask(infisical, "/_sandbox/secrets", method="PUT", body=body)

        assert (told.status_code, changed.json()) == (200, {"changed": "DB_HOST"})
        wait_until(lambda: receiver.requests)
        message = receiver.requests[0]
    assert json.loads(message.body)["project"]["secretPath"] == "/checkout"
    assert b"DB_HOST" not in message.body


@pytest.mark.parametrize("body", [None, {}, {"project": 1}, {"url": 1, "secret": "s"}])
@pytest.mark.parametrize("path", ["/_sandbox/secrets", "/_sandbox/webhooks"])
def test_what_is_no_change_is_refused(infisical: InfisicalSandbox, path: str, body: Any) -> None:
    assert ask(infisical, path, method="PUT", body=body).status_code == 400


def test_a_change_of_what_is_not_there_is_refused(infisical: InfisicalSandbox) -> None:
    body = {"project": SLUG, "environment": "dev", "path": "/nope", "key": "A", "value": "b"}

    assert ask(infisical, "/_sandbox/secrets", method="PUT", body=body).status_code == 404


def test_the_page_shows_keys_and_no_value(infisical: InfisicalSandbox) -> None:
    page = ask(infisical, "/").text

    assert "STRIPE_KEY" in page
    assert "sk_test_sample" not in page
    assert ask(infisical, "/", method="POST").status_code == 405
