"""When keys expire: what a person enters, what is shown of it, and what a new key does to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from connections.expiry import LAST, Expiry, first_moment_of, why_not
from connections.models import Connection, KeyLife
from tests.connections.test_admin import KEY, LIST, OTHER_KEY, URL, errors_of, log_in, page_of, posted

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
END = datetime(2027, 3, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def connection(db: None) -> Connection:
    connection = Connection(name="acme", base_url=URL)
    connection.set_api_key(KEY)
    connection.save()
    return connection


def ends(connection: Connection, at: datetime | None, **fields: Any) -> None:
    KeyLife.objects.update_or_create(connection=connection, defaults={"expires_at": at, "origin": "entered", **fields})


def life_of(connection: Connection) -> KeyLife:
    return KeyLife.objects.get(connection=connection)


def column_of(page: Any, connection: Connection) -> str:
    html = page.content.decode()
    return str(html.split(f"/{connection.pk}/change/")[1].split('class="field-expiry')[1].split("</td>")[0])


@pytest.mark.parametrize(
    ("left", "step", "tone", "words"),
    [
        (timedelta(days=14, seconds=1), 0, "", "Expires in 14 days"),
        (timedelta(days=14), 1, "waiting", "Expires in 14 days"),
        (timedelta(days=3), 2, "blocked", "Expires in 3 days"),
        (timedelta(days=1), 3, "failed", "Expires in 1 day"),
        (timedelta(seconds=30), 3, "failed", "Expires in 30 seconds"),
        (timedelta(0), 4, "failed", "Expired just now"),
        (timedelta(days=-2), 4, "failed", "Expired 2 days ago"),
    ],
)
def test_an_end_is_warned_of_in_steps(left: timedelta, step: int, tone: str, words: str) -> None:
    end = Expiry(NOW + left)

    assert (end.step, end.tone, end.words, end.is_over) == (step, tone, words, left <= timedelta(0))


def test_a_day_counts_from_its_beginning_where_the_installation_is() -> None:
    with timezone.override("Asia/Tokyo"):
        assert first_moment_of(END.date()) == END - timedelta(hours=9)
        assert Expiry(END - timedelta(hours=9)).day == "04 Mar 2027"


def test_what_is_past_or_beyond_the_calendar_cannot_be_entered() -> None:
    assert "past" in why_not(NOW)
    assert "No key lasts that long" in why_not(LAST)
    assert not why_not(NOW + timedelta(seconds=1))


# Entering it


def test_a_person_enters_changes_and_takes_away_the_day(admin_client: Client, connection: Connection) -> None:
    admin_client.post(page_of(connection), posted(connection, key_expires_on="2027-03-04"))
    assert (life_of(connection).expires_at, life_of(connection).origin) == (END, "entered")
    page = admin_client.get(page_of(connection)).content.decode()
    assert 'value="2027-03-04"' in page
    assert "04 Mar 2027, as somebody entered it" in page

    connection.refresh_from_db()
    admin_client.post(page_of(connection), posted(connection, key_expires_on=""))

    assert (life_of(connection).expires_at, life_of(connection).origin) == (None, "")


def test_a_day_that_is_past_is_refused_but_one_that_has_passed_stays(
    admin_client: Client, connection: Connection
) -> None:
    response = admin_client.post(page_of(connection), posted(connection, key_expires_on="2027-03-01"))
    assert "That is past" in errors_of(response)["key_expires_on"][0]
    ends(connection, NOW - timedelta(days=5, hours=3))

    response = admin_client.post(
        page_of(connection), posted(connection, key_expires_on="2027-02-24", description="Of the shop")
    )

    assert response.status_code == 302
    assert life_of(connection).expires_at == NOW - timedelta(days=5, hours=3)


def test_where_the_service_tells_nobody_enters_it_and_the_field_says_so(
    admin_client: Client, connection: Connection
) -> None:
    ends(connection, END, origin="told")

    admin_client.post(page_of(connection), posted(connection, key_expires_on="2028-01-01"))

    page = admin_client.get(page_of(connection)).content.decode()
    assert life_of(connection).expires_at == END
    assert "Devin says so itself, so nobody enters it." in page
    assert "04 Mar 2027, Devin said so" in page


def test_what_the_service_said_may_be_corrected_once_it_tells_no_more(
    admin_client: Client, connection: Connection
) -> None:
    ends(connection, END, origin="told", is_refused=True)

    admin_client.post(page_of(connection), posted(connection, key_expires_on="2028-01-01"))

    assert (life_of(connection).expires_at, life_of(connection).known) == (datetime(2028, 1, 1, tzinfo=UTC), "entered")


def test_who_may_only_look_is_shown_it_and_enters_nothing(client: Client, connection: Connection) -> None:
    log_in(client, "view_connection")
    ends(connection, END)

    page = client.get(page_of(connection)).content.decode()

    assert "04 Mar 2027, as somebody entered it" in page
    assert "key_expires_on" not in page
    assert client.post(page_of(connection), posted(connection, key_expires_on="")).status_code == 403
    assert life_of(connection).expires_at == END


# Another key


def test_a_new_key_clears_what_was_entered_for_the_one_before_and_says_so(
    admin_client: Client, connection: Connection
) -> None:
    ends(connection, END)
    connection.set_api_key(OTHER_KEY)

    connection.save()

    life = life_of(connection)
    assert (life.expires_at, life.origin, life.former_expires_at, life.due_at) == (None, "", END, NOW)
    page = admin_client.get(page_of(connection)).content.decode()
    assert "not known: 04 Mar 2027 was entered for the API key before this one" in page
    assert "04 Mar 2027 was entered for the API key before this one, and does not count any more." in page


def test_a_day_that_is_entered_with_a_new_key_is_that_keys(connection: Connection) -> None:
    ends(connection, END)
    connection.set_api_key(OTHER_KEY)
    connection.save()

    connection.life.enter(END + timedelta(days=90))

    assert (life_of(connection).expires_at, life_of(connection).former_expires_at) == (END + timedelta(days=90), None)


@pytest.mark.parametrize("fields", [None, ["sealed_credentials", "credentials_hint"]])
def test_a_new_key_is_noticed_however_the_row_is_saved(connection: Connection, fields: list[str] | None) -> None:
    ends(connection, END, origin="told")
    connection.set_api_key(OTHER_KEY)

    connection.save(update_fields=fields)
    connection.save()

    assert (life_of(connection).expires_at, life_of(connection).former_expires_at) == (None, None)


def test_the_same_key_once_more_keeps_what_was_entered(connection: Connection) -> None:
    ends(connection, END)
    connection.set_api_key(KEY)

    connection.save()

    assert life_of(connection).expires_at == END


# The list


def test_the_list_tells_sorts_and_filters_by_it(admin_client: Client, connection: Connection) -> None:
    rows = {name: Connection.objects.create(name=name, base_url=URL) for name in ("over", "soon", "far", "never")}
    ends(rows["over"], NOW - timedelta(hours=2))
    ends(rows["soon"], END)
    ends(rows["far"], NOW + timedelta(days=90))
    ends(rows["never"], None, origin="told")

    page = admin_client.get(f"{LIST}?o=6")

    assert [row.name for row in page.context["cl"].result_list][:3] == ["over", "soon", "far"]
    assert 'ds-badge--failed">Expired 2 hours ago<' in column_of(page, rows["over"])
    assert 'ds-badge--blocked">Expires in 2 days<' in column_of(page, rows["soon"])
    assert "in 90 days" in column_of(page, rows["far"])
    assert "never" in column_of(page, rows["never"])
    assert "–" in column_of(page, connection)
    for wanted, found in (("expiring", ["over", "soon"]), ("expired", ["over"])):
        listed = admin_client.get(f"{LIST}?key={wanted}").context["cl"].result_list
        assert [row.name for row in listed] == found


def test_the_log_tells_who_entered_what(admin_user: User, admin_client: Client, connection: Connection) -> None:
    admin_client.post(page_of(connection), posted(connection, key_expires_on="2027-03-04"))

    told = str(Entry.objects.values().latest("pk"))
    assert "key expires" in told
    assert "2027-03-04" in told
