"""Who may read `/metrics`: whoever has the token, and nobody without one."""

import importlib
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client

from common.counting import tally
from common.environment import Environment
from devinsync_site import settings as site_settings
from metrics import middleware
from tests.metrics.conftest import AUTHORIZED, TOKEN

pytestmark = pytest.mark.django_db

REFUSED = {
    "nothing": {},
    "another token": {"Authorization": "Bearer " + "u" * 32},
    "the token's beginning": {"Authorization": f"Bearer {TOKEN[:-1]}"},
    "more than the token": {"Authorization": f"Bearer {TOKEN}t"},
    "an empty token": {"Authorization": "Bearer "},
    "another scheme": {"Authorization": f"Basic {TOKEN}"},
    "the token alone": {"Authorization": TOKEN},
    "no ASCII": {"Authorization": "Bearer é"},
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_refuses_whoever_has_not_the_token(client: Client, token: str, sent: dict[str, str]) -> None:
    response = client.get("/metrics", headers=sent)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert b"devinsync_" not in response.content


def test_an_administrators_session_is_no_token(admin_client: Client, token: str) -> None:
    assert admin_client.get("/metrics").status_code == 401


@pytest.mark.parametrize("given", ["", " "], ids=["nothing", "a blank"])
def test_without_a_token_there_is_no_such_page(admin_client: Client, settings: LazySettings, given: str) -> None:
    settings.METRICS_TOKEN = given.strip()

    assert admin_client.get("/metrics", headers={"Authorization": f"Bearer {given}"}).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_can_only_be_read(client: Client, token: str, method: str) -> None:
    assert getattr(client, method)("/metrics", headers=AUTHORIZED).status_code == 405


def test_answers_by_address_without_a_session_and_is_kept_by_nobody(
    client: Client, token: str, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["devinsync.example"], True

    response = client.get("/metrics", headers=AUTHORIZED | {"Host": "10.1.2.3:8000"})

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies


def test_says_that_the_database_is_away(client: Client, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bytes:
        raise OperationalError("server at 10.9.8.7 refused")

    monkeypatch.setattr(middleware, "expose", away)

    response = client.get("/metrics", headers=AUTHORIZED)

    assert response.status_code == 503
    assert "10.9.8.7" not in response.content.decode()


def test_a_token_that_can_be_guessed_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_TOKEN", "short")

    with pytest.raises(ImproperlyConfigured, match="METRICS_TOKEN has fewer than 16 characters"):
        importlib.reload(site_settings)


def test_the_token_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    environment = Environment({"METRICS_TOKEN_FILE": f"{tmp_path / 'token'}"})

    assert environment.str("METRICS_TOKEN", default="") == TOKEN


def test_counts_requests_by_area_and_not_by_what_they_ask_for(client: Client) -> None:
    tally.take()

    client.get("/DB_PASSWORD/of/somebody")
    client.get("/api/v1/projects")

    areas = {labels for name, labels in tally.take() if name == "devinsync_http_requests_total"}
    assert areas == {(("area", "other"), ("status", "404")), (("area", "api"), ("status", "401"))}
