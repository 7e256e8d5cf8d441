"""Logins: what they answer, how wrong ones lock an identity out, and how long a token is good for."""

import pytest

from sandbox.infisical.world import Edition, Project, World
from tests.sandbox.caller import Caller
from tests.sandbox.infisical.asking import CLIENT_SECRET, LOGIN, errors_of, log_in, read

EDITIONS = pytest.mark.parametrize("edition", list(Edition))
UNAUTHORIZED = (401, "UnauthorizedError")


@EDITIONS
def test_a_login_gives_a_token_that_opens_what_the_identity_may_read(stranger: Caller, shop: Project) -> None:
    answer = log_in(stranger)

    life = {name: answer.json[name] for name in ("expiresIn", "accessTokenMaxTTL", "tokenType")}
    assert (answer.status, life) == (200, {"expiresIn": 7200, "accessTokenMaxTTL": 7200, "tokenType": "Bearer"})
    stranger.token = answer.json["accessToken"]
    assert read(stranger, shop, route="/api/v3/secrets/raw").status == 200


def test_an_identity_may_have_several_tokens(stranger: Caller, shop: Project) -> None:
    tokens = [log_in(stranger).json["accessToken"] for _ in range(3)]

    assert len(set(tokens)) == 3
    for stranger.token in tokens:
        assert read(stranger, shop).status == 200


def test_who_is_unknown_is_told_the_same_as_who_is_wrong(stranger: Caller) -> None:
    unknown, wrong = log_in(stranger, client_id="nobody"), log_in(stranger, secret="wrong")

    assert errors_of(unknown) == UNAUTHORIZED
    assert unknown.json == wrong.json
    assert CLIENT_SECRET not in str(wrong.json)


@pytest.mark.parametrize(("edition", "status"), [(Edition.NEW, 422), (Edition.OLD, 401)])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({}, id="no member"),
        pytest.param({"clientId": "reader"}, id="no secret"),
        pytest.param({"clientSecret": CLIENT_SECRET}, id="no identity"),
        pytest.param({"clientId": 1, "clientSecret": CLIENT_SECRET}, id="a number"),
        pytest.param({"clientId": "reader", "clientSecret": None}, id="a null"),
    ],
)
def test_what_is_no_login_is_refused_and_not_counted(stranger: Caller, status: int, body: object) -> None:
    for _ in range(4):
        assert errors_of(stranger.send("POST", LOGIN, body)) == (status, "ValidationFailure")

    assert log_in(stranger).status == 200


def test_a_locked_identity_is_refused_for_five_minutes(stranger: Caller, world: World) -> None:
    for _ in range(3):
        log_in(stranger, secret="wrong")

    world.pass_time(299)
    refused = log_in(stranger)
    assert errors_of(refused) == UNAUTHORIZED
    assert "temporarily locked" in refused.json["message"]
    world.pass_time(1)
    assert log_in(stranger).status == 200


def test_trying_while_locked_does_not_lock_for_longer(stranger: Caller, world: World) -> None:
    for _ in range(3):
        log_in(stranger, secret="wrong")
    world.pass_time(200)
    log_in(stranger, secret="wrong")

    world.pass_time(100)

    assert log_in(stranger).status == 200


def test_a_right_login_forgives_the_wrong_ones_before_it(stranger: Caller) -> None:
    for _ in range(3):
        for _ in range(2):
            log_in(stranger, secret="wrong")
        assert log_in(stranger).status == 200


@pytest.mark.parametrize(("seconds", "status"), [(29, 401), (30, 200)])
def test_wrong_logins_are_forgotten_after_half_a_minute(
    stranger: Caller, world: World, seconds: int, status: int
) -> None:
    for _ in range(2):
        log_in(stranger, secret="wrong")
    world.pass_time(seconds)
    log_in(stranger, secret="wrong")

    assert log_in(stranger).status == status


def test_one_identity_does_not_lock_another_out(stranger: Caller, world: World) -> None:
    world.add_identity("other", "other-secret")
    for _ in range(3):
        log_in(stranger, secret="wrong")

    assert log_in(stranger, "other", "other-secret").status == 200


def test_an_old_server_locks_nobody_out(stranger: Caller, world: World) -> None:
    world.edition = Edition.OLD
    for _ in range(9):
        assert errors_of(log_in(stranger, secret="wrong")) == UNAUTHORIZED

    assert log_in(stranger).status == 200


@pytest.mark.parametrize(
    ("edition", "error"), [(Edition.NEW, (403, "TokenError")), (Edition.OLD, (401, "UnauthorizedError"))]
)
def test_a_token_is_good_until_it_expires(reader: Caller, world: World, shop: Project, error: tuple[int, str]) -> None:
    world.pass_time(7199)
    assert read(reader, shop, route="/api/v3/secrets/raw").status == 200
    world.pass_time(1)

    assert errors_of(read(reader, shop, route="/api/v3/secrets/raw")) == error
    reader.token = log_in(reader).json["accessToken"]
    assert read(reader, shop, route="/api/v3/secrets/raw").status == 200


@EDITIONS
@pytest.mark.parametrize("token", [None, "", "stand-in-token-1-made-up"])
def test_without_a_token_of_its_own_nothing_is_answered(stranger: Caller, shop: Project, token: str | None) -> None:
    stranger.token = token

    refused = read(stranger, shop, route="/api/v3/secrets/raw")

    assert errors_of(refused) == (403, "TokenError")
    assert b"a-1" not in refused.body


def test_a_token_ends_with_its_identity(reader: Caller, world: World, shop: Project) -> None:
    world.identities.clear()

    assert errors_of(read(reader, shop)) == (403, "TokenError")
