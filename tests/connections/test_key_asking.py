"""When a key expires, as Devin says: what is taken over, from whom, and when it is asked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client
from django.utils import timezone

from connections import key_asking, organizations
from connections.devin.keys import own_key
from connections.errors import ConnectionFailed
from connections.key_asking import ask, ask_due, due
from connections.models import Connection, KeyLife
from sandbox.directory import MANAGE_SECRETS, MANAGE_SERVICE_USERS
from sandbox.server import Sandbox

KEY, OTHER_KEY = "cog_canary-of-a-key-0001", "cog_canary-of-a-key-0002"
RIGHTS = (MANAGE_SECRETS, MANAGE_SERVICE_USERS)
SOON = int((timezone.now() + timedelta(days=20)).timestamp())
LATER = SOON + 86_400
USER = "service-user-of-acme"

pytestmark = pytest.mark.django_db


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


def connect(sandbox: Sandbox, **key: Any) -> Connection:
    given = {"org_id": None, "permissions": RIGHTS, "service_user": USER}
    sandbox.directory.declare_key(KEY, **(given | key))
    connection = Connection(name="acme", base_url=sandbox.url, is_valid=True)
    connection.set_api_key(KEY)
    connection.save()
    return connection


def enter(connection: Connection, at: int) -> None:
    KeyLife.objects.update_or_create(connection=connection, defaults={"expires_at": moment(at), "origin": "entered"})


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def known(connection: Connection) -> tuple[str, datetime | None, bool]:
    life = KeyLife.objects.get(connection=connection)
    return life.known, life.expires_at, life.is_told


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ({"expires_at": SOON}, ("told", moment(SOON), True)),
        ({"expires_at": LATER, "user_expires_at": SOON}, ("told", moment(SOON), True)),
        ({}, ("never", None, True)),
    ],
    ids=["of the key", "of its service user, which ends first", "never"],
)
def test_what_devin_says_wins_over_what_a_person_entered(
    sandbox: Sandbox, key: dict[str, Any], says: tuple[str, datetime | None, bool]
) -> None:
    connection = connect(sandbox, **key)
    enter(connection, LATER + 5)

    ask(connection)

    assert known(connection) == says


@pytest.mark.parametrize(
    "key", [{"permissions": (MANAGE_SECRETS,)}, {"org_id": "org-sandbox"}], ids=["no right", "of an organization"]
)
def test_a_key_that_may_not_ask_keeps_what_a_person_entered(sandbox: Sandbox, key: dict[str, Any]) -> None:
    connection = connect(sandbox, **key)
    enter(connection, LATER)

    ask(connection)

    assert known(connection) == ("entered", moment(LATER), False)
    assert KeyLife.objects.get().is_refused
    assert Connection.objects.get().is_valid


@pytest.mark.parametrize(
    ("user", "entered", "says"),
    [
        (SOON, LATER, ("told", moment(SOON), False)),
        (LATER, SOON, ("entered", moment(SOON), False)),
        (None, SOON, ("entered", moment(SOON), False)),
        (SOON, None, ("told", moment(SOON), False)),
        (None, None, ("unknown", None, False)),
    ],
    ids=[
        "the user ends first",
        "the entered is first",
        "only one is entered",
        "only the user ends",
        "nothing is known",
    ],
)
def test_of_several_keys_only_the_end_of_their_user_is_told_and_a_person_may_know_of_an_earlier_one(
    sandbox: Sandbox, user: int | None, entered: int | None, says: tuple[str, datetime | None, bool]
) -> None:
    connection = connect(sandbox, user_expires_at=user)
    sandbox.directory.declare_key(OTHER_KEY, org_id=None, permissions=RIGHTS, service_user=USER, user_expires_at=user)
    if entered is not None:
        enter(connection, entered)

    ask(connection)

    assert known(connection) == says


def test_what_was_told_stays_where_the_right_to_ask_is_taken_away(sandbox: Sandbox) -> None:
    connection = connect(sandbox, expires_at=SOON)
    ask(connection)
    sandbox.directory.change_service_user(USER, permissions=frozenset({MANAGE_SECRETS}))

    ask(connection)

    assert known(connection) == ("told", moment(SOON), False)


def test_an_answer_about_a_key_that_was_replaced_meanwhile_is_dropped(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(sandbox, expires_at=SOON)

    def replaced_meanwhile(*args: Any, **options: Any) -> Any:
        said = own_key(*args, **options)
        other = Connection.objects.get()
        other.set_api_key(OTHER_KEY)
        other.save()
        return said

    monkeypatch.setattr(key_asking, "own_key", replaced_meanwhile)

    ask(connection)

    assert known(connection) == ("unknown", None, False)
    assert list(due()) == [connection]


# When it is asked


def test_is_asked_once_a_day_and_soon_after_a_failure(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect(sandbox, expires_at=SOON)
    assert list(due()) == [connection]
    with monkeypatch.context() as away:
        away.setattr(key_asking, "own_key", Mock(side_effect=ConnectionFailed("Devin answered 503.")))
        ask_due()
    assert not due()
    now = timezone.now()
    asked = []
    for passed in (timedelta(minutes=11), timedelta(hours=23), timedelta(hours=25)):
        monkeypatch.setattr(timezone, "now", lambda passed=passed: now + passed)
        ask_due()
        asked.append(KeyLife.objects.get().asked_at)

    assert asked == [now + timedelta(minutes=11)] * 2 + [now + timedelta(hours=25)]


def test_one_that_fails_keeps_no_other_from_being_asked(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    connection = connect(sandbox, expires_at=SOON)
    Connection.objects.create(name="aaa", base_url=sandbox.url, is_valid=True)

    organizations.ask_what_is_due()

    assert known(connection)[0] == "told"
    assert "could not ask when the key of connection" in caplog.text
    assert "canary" not in caplog.text


def test_a_test_of_the_connection_asks_and_the_page_says_what_came(sandbox: Sandbox, admin_client: Client) -> None:
    connection = connect(sandbox, expires_at=SOON)
    page = f"/admin/connections/connection/{connection.pk}/"
    assert "not known yet: Devin is asked within seconds" in admin_client.get(f"{page}change/").content.decode()

    admin_client.post(f"{page}test/")

    html = admin_client.get(f"{page}change/").content.decode()
    assert f"{moment(SOON):%d %b %Y}, Devin said so" in html
    assert "Devin says so itself, so nobody enters it." in html
    assert known(connection) == ("told", moment(SOON), True)


def test_a_key_of_one_organization_is_not_asked_for(sandbox: Sandbox, admin_client: Client) -> None:
    connection = connect(sandbox, org_id="org-sandbox")
    connection.verify()
    sandbox.log.clear()

    ask_due()
    admin_client.post(f"/admin/connections/connection/{connection.pk}/test/")

    assert {each.path for each in sandbox.log.requests()} == {"/v3/self"}
    assert len(sandbox.log.requests()) == 1
