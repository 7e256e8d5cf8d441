"""Tokens, limits and retries of the client: what it sends, and what it never sends."""

import traceback
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from connections.budgets import SharedBudget
from connections.infisical.client import SECRETS, InfisicalClient, Site
from connections.infisical.errors import LoginRefused, RateLimited, TokenRefused, Unreachable
from connections.infisical.opening import open_client
from connections.infisical.tokens import StoredTokens
from connections.models import AccessToken, Connection, RequestBudget
from encryption import registry
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.world import Edition, Fault, Project, World
from sandbox.wire import Stream
from tests.patience import PATIENCE

CLIENT_ID, SECRET = "canary-of-a-client-id-0001", "canary-of-a-client-secret"
LOGIN = "/api/v1/auth/universal-auth/login"

pytestmark = pytest.mark.django_db


@pytest.fixture(params=list(Edition))
def infisical(request: pytest.FixtureRequest) -> Iterator[InfisicalSandbox]:
    with InfisicalSandbox(world=World(edition=Edition(request.param))) as server:
        server.world.add_identity(CLIENT_ID, SECRET, ttl=7200)
        yield server


@pytest.fixture
def shop(infisical: InfisicalSandbox) -> Project:
    return infisical.world.add_project("shop")


@pytest.fixture
def connection(infisical: InfisicalSandbox, shop: Project) -> Connection:
    connection = Connection(name="team-vault", app="infisical", method="universal-auth", base_url=infisical.url)
    connection.set_credentials({"clientId": CLIENT_ID, "clientSecret": SECRET})
    connection.save()
    return connection


def ask(connection: Connection, shop: Project, *, times: int = 1, waits: list[float] | None = None) -> None:
    pauses: list[float] = [] if waits is None else waits
    with client_of(connection, pauses) as client:
        for _ in range(times):
            client.get(f"/api/v1/workspace/{shop.id}", {}, "look up the project", sort=SECRETS)


def ask_as_a_person(connection: Connection, shop: Project) -> None:
    stored = Connection.objects.get(pk=connection.pk)
    with open_client(stored, patience=timedelta(seconds=PATIENCE)) as client:
        client.get(f"/api/v1/workspace/{shop.id}", {}, "look up the project", sort=SECRETS)


def client_of(connection: Connection, waits: list[float]) -> InfisicalClient:
    deadline = timedelta(seconds=PATIENCE)
    return InfisicalClient(
        Site(connection.base_url, connection.name),
        tokens=StoredTokens(connection, within=deadline),
        budget=SharedBudget(connection.pk),
        deadline=deadline,
        wait=waits.append,
    )


def logins(infisical: InfisicalSandbox) -> int:
    return sum(seen.path == LOGIN for seen in infisical.world.seen)


def stored() -> str:
    with database.cursor() as cursor:
        found = ""
        for table in ("connections_connection", "connections_accesstoken", "connections_requestbudget"):
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of three
            found += str(cursor.fetchall())
        return found


# Tokens


def test_one_login_serves_all_clients(connection: Connection, shop: Project, infisical: InfisicalSandbox) -> None:
    ask(connection, shop, times=2)
    ask(Connection.objects.get(), shop)

    assert logins(infisical) == 1
    token = next(iter(infisical.world.tokens))
    assert token not in stored()
    assert "canary" not in stored()


def test_a_token_is_used_for_80_percent_of_its_life(
    connection: Connection, shop: Project, infisical: InfisicalSandbox
) -> None:
    before = timezone.now()
    ask(connection, shop)

    row = AccessToken.objects.get()
    assert row.renew_at is not None
    assert timedelta(seconds=5760) <= row.renew_at - before <= timedelta(seconds=5760 + PATIENCE)
    AccessToken.objects.update(renew_at=timezone.now())
    ask(connection, shop)
    assert logins(infisical) == 2
    assert not any("renew" in seen.path for seen in infisical.world.seen)


def test_an_expired_token_is_followed_by_one_login(
    connection: Connection, shop: Project, infisical: InfisicalSandbox
) -> None:
    ask(connection, shop)
    infisical.world.pass_time(7201)

    ask(connection, shop)

    assert logins(infisical) == 2


def test_a_fresh_token_that_is_refused_too_is_an_error(
    connection: Connection, shop: Project, infisical: InfisicalSandbox
) -> None:
    """An old server answers 401 to a malformed request too, so this must not go round in a circle."""

    def refuse(stream: Stream) -> None:
        stream.send(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}")

    infisical.world.faults.append(Fault("/api/v1/workspace", refuse, 1000))
    with pytest.raises(TokenRefused):
        ask(connection, shop)

    assert logins(infisical) == 2
    assert sum(seen.path.startswith("/api/v1/workspace") for seen in infisical.world.seen) == 2


def test_other_credentials_get_a_token_of_their_own(
    connection: Connection, shop: Project, infisical: InfisicalSandbox
) -> None:
    ask(connection, shop)
    connection.set_credentials({"clientId": CLIENT_ID, "clientSecret": SECRET})
    connection.save()

    ask(connection, shop)

    assert logins(infisical) == 2


def test_a_refused_login_is_not_repeated(connection: Connection, shop: Project, infisical: InfisicalSandbox) -> None:
    """Three of them lock an identity out, and who comes on and on keeps it so."""
    infisical.world.identities[CLIENT_ID].secret = "another"
    for _ in range(5):
        with pytest.raises(LoginRefused) as caught:
            ask(connection, shop)

    assert logins(infisical) == 1
    assert "nothing was sent" in str(caught.value)
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    infisical.world.identities[CLIENT_ID].secret = SECRET
    connection.verify()
    ask(connection, shop)
    assert logins(infisical) == 3


def test_other_credentials_may_try_at_once(connection: Connection, shop: Project, infisical: InfisicalSandbox) -> None:
    infisical.world.identities[CLIENT_ID].secret = "another"
    with pytest.raises(LoginRefused):
        ask(connection, shop)
    connection.set_credentials({"clientId": CLIENT_ID, "clientSecret": "another"})
    connection.save()

    ask(connection, shop)

    assert logins(infisical) == 2


def test_a_token_is_among_what_is_sealed_anew(connection: Connection, shop: Project) -> None:
    ask(connection, shop)

    assert "connections.AccessToken.sealed_token" in {field.label for field in registry.sealed_fields()}


# Limits


def test_no_request_goes_out_inside_a_retry_after(
    connection: Connection, shop: Project, infisical: InfisicalSandbox
) -> None:
    infisical.world.limits["reads"], infisical.world.window = 3, 3600
    ask(connection, shop, times=3)

    for _ in range(5):
        with pytest.raises(RateLimited) as caught:
            ask_as_a_person(connection, shop)

    assert timedelta(minutes=50) < caught.value.retry_after <= timedelta(minutes=61)
    assert not any(seen.status == 429 for seen in infisical.world.seen)


def test_a_429_closes_the_way_for_every_process(
    connection: Connection, shop: Project, infisical: InfisicalSandbox
) -> None:
    def refuse(stream: Stream) -> None:
        stream.send(b"HTTP/1.1 429 No\r\nRetry-After: 5000\r\nContent-Length: 2\r\n\r\n{}")

    infisical.world.faults.append(Fault("/api/v1/workspace", refuse, 1))
    with pytest.raises(RateLimited):
        ask(connection, shop)
    sent = len(infisical.world.seen)

    with pytest.raises(RateLimited):
        ask_as_a_person(connection, shop)

    assert len(infisical.world.seen) == sent


def test_a_worker_waits_for_its_turn(connection: Connection, shop: Project) -> None:
    ask(connection, shop)
    RequestBudget.objects.update_or_create(
        connection=connection,
        sort=SECRETS,
        defaults={"limit": 1, "left": 0, "resets_at": timezone.now() + timedelta(hours=1)},
    )
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        RequestBudget.objects.update(left=1)

    with client_of(connection, []) as client:
        client._wait, client._longest_wait = wait, timedelta(hours=2)
        client.get(f"/api/v1/workspace/{shop.id}", {}, "look up the project", sort=SECRETS)

    assert len(waits) == 1
    assert 0 < waits[0] <= 3601


def test_a_window_that_is_over_holds_nobody_up(connection: Connection, shop: Project) -> None:
    RequestBudget.objects.create(
        connection=connection, sort=SECRETS, limit=5, left=0, resets_at=timezone.now() - timedelta(seconds=1)
    )
    waits: list[float] = []

    ask(connection, shop, waits=waits)

    assert waits == []
    assert RequestBudget.objects.get(sort=SECRETS).left == 4


def test_sorts_are_counted_apart(connection: Connection, shop: Project) -> None:
    RequestBudget.objects.create(
        connection=connection, sort="writes", limit=5, left=0, resets_at=timezone.now() + timedelta(hours=1)
    )

    ask(connection, shop)


# Faults


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_may_pass_is_tried_again(
    connection: Connection, shop: Project, infisical: InfisicalSandbox, status: int
) -> None:
    def fail(stream: Stream) -> None:
        stream.send(f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    infisical.world.faults.append(Fault("/api/v1/workspace", fail, 2))

    ask(connection, shop)

    infisical.world.faults.append(Fault("/api/v1/workspace", fail, 1000))
    with pytest.raises(Unreachable):
        ask(connection, shop)


def test_a_connection_of_another_app_sends_nothing(connection: Connection, infisical: InfisicalSandbox) -> None:
    connection.app = "devin"

    with pytest.raises(Unreachable, match="is not to Infisical"):
        open_client(connection)


def test_a_connection_that_is_gone_keeps_no_token(
    connection: Connection, shop: Project, infisical: InfisicalSandbox
) -> None:
    held = Connection.objects.get()
    Connection.objects.all().delete()
    held.pk = connection.pk

    ask(held, shop)

    assert not AccessToken.objects.exists()
    assert not RequestBudget.objects.exists()
