"""A connection's credentials, versions, clients and verification."""

import traceback
from datetime import timedelta
from io import StringIO

import pytest
import responses
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection as database
from django.utils import timezone

from connections.devin import errors
from connections.models import ChangedMeanwhile, Connection
from encryption import DecryptionError

API_KEY = "cog_canary-of-an-api-key-9876"
SELF = "https://devin.example/v3/self"

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Connection:
    connection = Connection(name="acme", base_url="https://devin.example")
    connection.set_api_key(API_KEY)
    connection.save()
    return connection


def test_the_api_key_is_stored_sealed_and_shows_its_end(connection: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM connections_connection")
        stored = str(cursor.fetchall())

    assert "canary" not in stored
    assert connection.credentials_hint == "9876"
    assert connection._api_key() == API_KEY


def test_a_short_api_key_shows_nothing_of_itself() -> None:
    connection = Connection(name="acme")

    connection.set_api_key("cog_short")

    assert connection.credentials_hint == ""


def test_a_dump_has_no_credentials_at_all(connection: Connection) -> None:
    out = StringIO()
    call_command("dumpdata", "connections", stdout=out)

    assert '"name": "acme"' in out.getvalue()
    assert "sealed" not in out.getvalue()
    assert "ds1." not in out.getvalue()


def test_an_api_key_does_not_open_at_another_address(connection: Connection) -> None:
    Connection.objects.update(base_url="https://mallory.example")
    connection.refresh_from_db()

    with pytest.raises(DecryptionError, match="Could not read the API key of connection “acme”") as caught:
        connection.open_client()

    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_an_api_key_does_not_open_in_another_row(connection: Connection) -> None:
    other = Connection.objects.create(
        name="other", base_url=connection.base_url, sealed_credentials=connection.sealed_credentials
    )

    with pytest.raises(DecryptionError):
        other.open_client()


@pytest.mark.parametrize("key", ["", "apk_1", "cog_", "cog_a b", "cog_a\r\nX: 1", "cog_é", "cog_" + "x" * 997])
def test_what_is_no_api_key_is_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        Connection(name="acme").set_api_key(key)


def test_an_api_key_may_have_1000_characters_and_spaces_around() -> None:
    connection = Connection(name="acme")

    connection.set_api_key(f" cog_{'x' * 996}\n")

    assert len(connection._api_key()) == 1000


@pytest.mark.parametrize(
    ("typed", "kept"),
    [(" Acme ", "acme"), ("1a", "1a"), ("a-b-2", "a-b-2"), ("x" * 32, "x" * 32)],
)
def test_a_name_is_kept_in_small_letters(typed: str, kept: str) -> None:
    connection = Connection(name=typed)
    connection.full_clean()

    assert connection.name == kept


@pytest.mark.parametrize("name", ["", "-a", "a-", "a--b", "a_b", "a.b", "ä", "a b", "x" * 33, "a\nb"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Connection(name=name).full_clean()

    assert set(caught.value.message_dict) == {"name"}


@pytest.mark.parametrize("concurrency", [0, 17])
def test_concurrency_is_1_to_16(concurrency: int) -> None:
    with pytest.raises(ValidationError):
        Connection(name="acme", concurrency=concurrency).full_clean()


def test_every_save_takes_a_version(connection: Connection) -> None:
    connection.description = "changed"
    connection.save()
    connection.save()

    assert Connection.objects.get().version == connection.version == 3


def test_a_save_over_somebody_elses_change_is_refused(connection: Connection) -> None:
    mine = Connection.objects.get()
    connection.description = "theirs"
    connection.save()

    mine.description = "mine"
    with pytest.raises(ChangedMeanwhile):
        mine.save()

    assert Connection.objects.get().description == "theirs"


def test_verifying_records_who_the_key_is(connection: Connection) -> None:
    with responses.RequestsMock() as devin:
        answer = {"principal_type": "service_user", "service_user_name": "sync bot", "org_id": "org-1"}
        devin.get(SELF, json=answer)
        connection.verify()

    stored = Connection.objects.get()
    assert (stored.principal_type, stored.principal_name, stored.org_id) == ("service_user", "sync bot", "org-1")
    assert (stored.is_valid, stored.validation_message, stored.version) == (True, "", 1)
    assert stored.validated_at is not None


def test_verifying_records_why_it_failed(connection: Connection) -> None:
    with responses.RequestsMock() as devin:
        devin.get(SELF, status=401, json={"detail": API_KEY})
        with pytest.raises(errors.Unauthorized):
            connection.verify()

    stored = Connection.objects.get()
    assert stored.is_valid is False
    assert stored.validation_message == (
        "Could not find out who the API key is: Devin answered 401. Check the API key of connection “acme”."
    )


def test_a_client_sends_nothing_while_devin_asks_to_wait(connection: Connection) -> None:
    connection.mark_rate_limited(timedelta(minutes=10))

    with connection.open_client() as client, pytest.raises(errors.RateLimited) as caught:
        client.get_self()

    assert timedelta(minutes=9) < caught.value.retry_after <= timedelta(minutes=10)
    assert client.requests_sent == 0


def test_a_wait_that_is_over_holds_nothing_up(connection: Connection) -> None:
    connection.rate_limited_until = timezone.now() - timedelta(seconds=1)

    assert connection.rate_limited_for == timedelta(0)
