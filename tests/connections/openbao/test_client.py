"""Logging in to a real OpenBao by AppRole, whose a token is, and what a private authority is for."""

from datetime import timedelta
from typing import Any

import pytest

from connections.http import Route, Transport
from connections.openbao.errors import Forbidden, LoginRefused, OpenBaoError, TokenRefused, Unreachable
from connections.openbao.tokens import Server, Token, log_in, look_up
from tests.connections.servers import reply, serving
from tests.openbao import AppRole, OpenBao
from tests.patience import PATIENCE


def transport(**route: Any) -> Transport:
    return Transport(deadline=timedelta(seconds=PATIENCE), connections=1, route=Route(**route))


def log_in_to(url: str, role: AppRole, *, namespace: str = "", mount: str = "approle", **route: Any) -> Token:
    return log_in(
        transport(**route),
        Server(url, namespace, "team-vault"),
        mount=mount,
        role_id=role.role_id,
        secret_id=role.secret_id,
        within=PATIENCE,
    )


def test_an_approle_gets_a_token_with_its_life_and_its_name(openbao: OpenBao) -> None:
    role = openbao.approle(token_ttl="20m")

    token = log_in_to(openbao.url, role)

    assert (token.life, token.role) == (timedelta(minutes=20), role.name)
    server = Server(openbao.url, "", "team-vault")
    assert look_up(transport(), server, token.text, within=PATIENCE) == role.name


def test_an_approle_may_be_mounted_elsewhere_and_in_a_namespace(openbao: OpenBao) -> None:
    namespace = openbao.namespace()
    role = openbao.approle(mount="teams/ours", namespace=namespace)

    assert log_in_to(openbao.url, role, mount="teams/ours", namespace=namespace).role == role.name
    for elsewhere in ({"mount": "approle", "namespace": namespace}, {"mount": "teams/ours"}):
        with pytest.raises(LoginRefused):
            log_in_to(openbao.url, role, **elsewhere)


@pytest.mark.parametrize(
    "wrong",
    [{"role_id": "no-such"}, {"secret_id": "no-such"}, {"secret_id": ""}],
    ids=["the role ID", "the secret ID", "no secret ID"],
)
def test_a_wrong_credential_is_said_without_it(openbao: OpenBao, wrong: dict[str, str]) -> None:
    role = openbao.approle()
    given = AppRole(role.name, wrong.get("role_id", role.role_id), wrong.get("secret_id", role.secret_id))

    with pytest.raises(LoginRefused, match="Check role ID and secret ID") as caught:
        log_in_to(openbao.url, given)

    assert role.role_id not in str(caught.value)


def test_a_secret_id_that_is_used_up_is_refused(openbao: OpenBao) -> None:
    role = openbao.approle(secret_id_num_uses=1)
    log_in_to(openbao.url, role)

    with pytest.raises(LoginRefused, match="used up"):
        log_in_to(openbao.url, role)


def test_a_sealed_server_takes_no_login(openbao: OpenBao) -> None:
    role = openbao.approle()
    openbao.seal()

    with pytest.raises(Unreachable, match="sealed"):
        log_in_to(openbao.url, role)


def test_a_token_that_is_none_is_refused(openbao: OpenBao) -> None:
    with pytest.raises(TokenRefused, match="expired, was revoked"):
        look_up(transport(), Server(openbao.url, "", "team-vault"), "s.none", within=PATIENCE)


def test_a_private_authority_is_trusted_where_it_is_named(openbao: OpenBao) -> None:
    role = openbao.approle()

    assert log_in_to(openbao.tls_url, role, ca_pem=openbao.ca_pem).role == role.name
    with pytest.raises(Unreachable, match="no connection came about"):
        log_in_to(openbao.tls_url, role)


def test_a_login_is_tried_once() -> None:
    with serving(lambda request, sock: reply(500)) as server, pytest.raises(Unreachable):
        log_in_to(server.url, AppRole("role", "id", "secret"))

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "auth",
    [
        None,
        [],
        {},
        {"client_token": None, "lease_duration": 60},
        {"client_token": 7, "lease_duration": 60},
        {"client_token": "", "lease_duration": 60},
        {"client_token": "two words", "lease_duration": 60},
        {"client_token": "line\nbreak", "lease_duration": 60},
        {"client_token": "x" * 20_000, "lease_duration": 60},
        {"client_token": "s.fine"},
        {"client_token": "s.fine", "lease_duration": -1},
        {"client_token": "s.fine", "lease_duration": True},
        {"client_token": "s.fine", "lease_duration": "60"},
        {"client_token": "s.fine", "lease_duration": 1.5},
    ],
    ids=str,
)
def test_an_answer_without_a_token_is_no_login(auth: object) -> None:
    with serving(lambda request, sock: reply(200, {"auth": auth})) as server, pytest.raises(OpenBaoError) as caught:
        log_in_to(server.url, AppRole("role", "id", "secret"))

    assert "s.fine" not in str(caught.value)


def test_a_token_without_an_end_lives_long() -> None:
    auth = {"client_token": "s.fine", "lease_duration": 0}
    with serving(lambda request, sock: reply(200, {"auth": auth})) as server:
        assert log_in_to(server.url, AppRole("role", "id", "secret")).life > timedelta(days=365)


def test_whoever_looks_up_a_token_must_be_allowed_to(openbao: OpenBao) -> None:
    token = openbao.token(openbao.policy({"kv/data/shop": ["read"]}), no_default_policy=True)

    with pytest.raises((TokenRefused, Forbidden), match="default"):
        look_up(transport(), Server(openbao.url, "", "team-vault"), token, within=PATIENCE)
