"""What all processes share of a connection: one token, a refusal, and a limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection as database
from django.utils import timezone

from connections.models import AccessToken, Connection, RequestBudget
from connections.openbao import opening
from connections.openbao.client import OpenBaoClient
from connections.openbao.errors import Forbidden, LoginRefused, RateLimited, TokenRefused
from connections.openbao.opening import open_client
from encryption import unseal
from tests.connections.servers import reply
from tests.openbao import AppRole, OpenBao
from tests.sources.openbao.scene import Between, between
from tests.sources.openbao.servers import rights_on

pytestmark = pytest.mark.django_db

LOGIN, LOOK_UP = "/v1/auth/approle/login", "/v1/auth/token/lookup-self"


@pytest.fixture
def server(openbao: OpenBao) -> Iterator[Between]:
    with between(openbao) as server:
        yield server


@pytest.fixture
def mount(openbao: OpenBao) -> str:
    mount = openbao.mount()
    openbao.put(mount, "shop", {"A": "canary of a value"})
    return mount


@pytest.fixture
def role(openbao: OpenBao, mount: str) -> AppRole:
    return openbao.approle(openbao.policy(rights_on(mount)), token_ttl="20m")


@pytest.fixture
def connection(server: Between, role: AppRole) -> Connection:
    connection = Connection(name="team-vault", app="hashicorp-vault", method="app-role", base_url=server.url)
    connection.set_credentials({"roleId": role.role_id, "secretId": role.secret_id})
    connection.save()
    return connection


def read(connection: Connection, mount: str, path: str = "shop") -> None:
    with open_client(Connection.objects.get(pk=connection.pk)) as client:
        assert client.find(f"{mount}/data/{path}", "read it") is not None


def kept_token() -> str:
    row = AccessToken.objects.get()
    return unseal(row.sealed_token, context=row.context())


def test_one_login_serves_all_clients(connection: Connection, server: Between, mount: str) -> None:
    for _ in range(3):
        read(connection, mount)

    assert server.asked.count(LOGIN) == 1


def test_what_is_kept_is_sealed(connection: Connection, mount: str, role: AppRole) -> None:
    read(connection, mount)

    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM connections_accesstoken")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT * FROM connections_connection")
        stored += str(cursor.fetchall())
    assert kept_token()
    for secret in (kept_token(), role.role_id, role.secret_id, "canary of a value"):
        assert secret not in stored


def test_a_token_is_used_for_80_percent_of_its_life(connection: Connection, server: Between, mount: str) -> None:
    before = timezone.now()
    read(connection, mount)

    row = AccessToken.objects.get()
    assert row.renew_at is not None
    assert row.renew_at - before >= timedelta(minutes=16)
    assert row.renew_at <= timezone.now() + timedelta(minutes=16)
    AccessToken.objects.update(renew_at=timezone.now())
    read(connection, mount)
    assert server.asked.count(LOGIN) == 2
    assert not [path for path in server.asked if "renew" in path]


def test_a_revoked_token_is_followed_by_one_login(
    openbao: OpenBao, connection: Connection, server: Between, mount: str
) -> None:
    read(connection, mount)
    openbao.call("POST", "auth/token/revoke", {"token": kept_token()})

    read(connection, mount)
    read(connection, mount)

    assert (server.asked.count(LOGIN), server.asked.count(LOOK_UP)) == (2, 1)


def test_a_policy_in_the_way_costs_no_login(connection: Connection, server: Between, mount: str) -> None:
    with pytest.raises(Forbidden):
        read(connection, "sys", "nothing")

    assert (server.asked.count(LOGIN), server.asked.count(LOOK_UP)) == (1, 1)


def test_a_refused_login_is_not_tried_on_and_on(connection: Connection, server: Between, mount: str) -> None:
    connection.set_credentials({"roleId": "canary", "secretId": "canary"})
    connection.save()

    for sentence in ("Check role ID and secret ID", "a moment ago", "a moment ago"):
        with pytest.raises(LoginRefused, match=sentence):
            read(connection, mount)

    assert server.asked.count(LOGIN) == 1


def test_a_test_that_works_ends_the_waiting(connection: Connection, server: Between, mount: str) -> None:
    read(connection, mount)
    AccessToken.objects.update(renew_at=None, refused_until=timezone.now() + timedelta(minutes=5))

    connection.verify()
    read(connection, mount)

    assert server.asked.count(LOGIN) == 3


def test_other_credentials_do_not_use_the_kept_token(
    openbao: OpenBao, connection: Connection, server: Between, mount: str
) -> None:
    read(connection, mount)
    other = openbao.approle(openbao.policy(rights_on("elsewhere")))
    connection.set_credentials({"roleId": other.role_id, "secretId": other.secret_id})
    connection.save()

    with pytest.raises(Forbidden):
        read(connection, mount)

    assert server.asked.count(LOGIN) == 2


def test_a_token_that_was_entered_has_no_other(openbao: OpenBao, server: Between, mount: str) -> None:
    token = openbao.token(openbao.policy(rights_on(mount)))
    connection = Connection(name="team-vault", app="hashicorp-vault", method="access-token", base_url=server.url)
    connection.set_credentials({"accessToken": token})
    connection.save()
    read(connection, mount)
    openbao.call("POST", "auth/token/revoke", {"token": token})

    with pytest.raises(TokenRefused):
        read(connection, mount)

    assert LOGIN not in server.asked


@contextmanager
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Instead of waiting."""
    waited: list[float] = []
    monkeypatch.setattr(opening, "OpenBaoClient", partial(OpenBaoClient, wait=waited.append))
    yield waited


def test_nothing_is_sent_while_a_limit_lasts(
    connection: Connection, server: Between, mount: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(connection, mount)
    server.says(lambda sock: reply(429, {"errors": []}, Retry_After="300"))
    with pytest.raises(RateLimited):
        read(connection, mount)
    asked = len(server.asked)

    with waits(monkeypatch) as waited, pytest.raises(RateLimited) as caught:
        read(connection, mount)

    assert (len(server.asked), waited) == (asked, [])
    assert timedelta(0) < caught.value.retry_after <= timedelta(seconds=300)


def test_a_short_limit_is_waited_for(
    connection: Connection, server: Between, mount: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(connection, mount)
    server.says(lambda sock: reply(429, {"errors": []}, Retry_After="3"))

    def pass_on(seconds: float) -> None:
        waited.append(seconds)
        server.answer = None
        RequestBudget.objects.all().delete()

    waited: list[float] = []
    monkeypatch.setattr(opening, "OpenBaoClient", partial(OpenBaoClient, wait=pass_on))
    read(connection, mount)

    assert waited == [3.0]
