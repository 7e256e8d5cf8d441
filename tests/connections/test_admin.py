"""Connections in the admin: who may see and do what, and where an API key never is."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import responses
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from syncs.models import DevinSync
from vault.models import Project

KEY = "cog_canary-of-an-api-key-9876"
OTHER_KEY = "cog_canary-of-another-5432"
URL = "https://devin.example"
LIST = "/admin/connections/connection/"
ADD = f"{LIST}add/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def devin() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as devin:
        yield devin


@pytest.fixture
def answering(devin: responses.RequestsMock) -> responses.RequestsMock:
    answer = {"principal_type": "service_user", "service_user_name": "sync-bot", "org_id": "org-1"}
    for url in (URL, "https://other.example"):
        devin.get(f"{url}/v3/self", json=answer)
    return devin


@pytest.fixture
def connection() -> Connection:
    connection = Connection(name="acme", base_url=URL)
    connection.set_api_key(KEY)
    connection.save()
    return connection


def log_in(client: Client, *permissions: str) -> User:
    user = User.objects.create_user("alice", password="a-long-word", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def page_of(connection: Connection) -> str:
    return f"{LIST}{connection.pk}/change/"


def posted(connection: Connection | None = None, **changes: Any) -> dict[str, Any]:
    form = {"name": "acme", "description": "", "base_url": URL, "api_key": "", "concurrency": 4, "seen_version": ""}
    if connection is not None:
        form["seen_version"] = connection.version
    return {**form, **changes}


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


# Saving


def test_adding_asks_devin_who_the_key_is(admin_client: Client, answering: responses.RequestsMock) -> None:
    response = admin_client.post(ADD, posted(name=" Acme ", api_key=KEY), follow=True)

    made = Connection.objects.get()
    assert (made.name, made.org_id, made.principal_name, made.is_valid) == ("acme", "org-1", "sync-bot", True)
    assert made._api_key() == KEY
    assert "Devin knows the API key: sync-bot (service user), organization org-1." in response.content.decode()


@pytest.mark.parametrize(
    ("wanted", "leads"), [("/admin/syncs/?a=1", True), ("https://evil.example/", False), ("//evil.example", False)]
)
def test_adding_leads_back_to_a_page_of_ours(
    admin_client: Client, answering: responses.RequestsMock, wanted: str, leads: bool
) -> None:
    response = admin_client.post(f"{ADD}?{urlencode({'next': wanted})}", posted(api_key=KEY))

    back = f"{wanted}&connection={Connection.objects.get().pk}"
    assert response.headers["Location"] == (back if leads else LIST)


def test_devin_is_asked_once_and_outside_a_transaction(admin_client: Client, devin: responses.RequestsMock) -> None:
    """Inside one, every other writer would wait for Devin."""
    depths = []
    own = len(database.savepoint_ids)

    def answer(_: Any) -> tuple[int, dict[str, str], str]:
        depths.append(len(database.savepoint_ids) - own)
        return 200, {}, '{"principal_type": "service_user"}'

    devin.add_callback(responses.GET, f"{URL}/v3/self", callback=answer)
    with transaction.atomic():
        assert len(database.savepoint_ids) - own == 1

    admin_client.post(ADD, posted(api_key=KEY))

    assert depths == [0]
    assert Connection.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "Devin answered 401. Check the API key of connection “acme”."),
        (302, "Devin answered 302. Redirects are not followed."),
        (500, "Devin answered 500."),
        (429, "Devin allows no more requests for 300 seconds."),
    ],
)
def test_a_key_that_devin_refuses_is_not_saved(
    admin_client: Client, devin: responses.RequestsMock, status: int, says: str
) -> None:
    devin.get(f"{URL}/v3/self", status=status, headers={"Retry-After": "300"}, json={"detail": KEY})

    response = admin_client.post(ADD, posted(api_key=KEY))

    assert says in errors_of(response)["api_key"][0]
    assert "canary" not in response.content.decode()
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("api_key", "", "This field is required."),
        ("api_key", "canary", "A Devin API key starts with “cog_”."),
        ("api_key", "cog_canary with spaces", "An API key has only letters, digits and signs"),
        ("api_key", f"cog_canary{'x' * 1000}", "An API key has at most 1,000 characters."),
        ("name", "my_sync", "Use lower-case letters and digits"),
        ("name", "x" * 33, "at most 32 characters"),
        ("description", "x" * 257, "at most 256 characters"),
        ("base_url", "http://api.devin.ai", "Use https"),
        ("base_url", "https://user:word@api.devin.ai", "Leave out the user name"),
        ("concurrency", "17", "less than or equal to 16"),
    ],
)
def test_bad_input_is_said_at_its_field_and_asks_nobody(
    admin_client: Client, devin: responses.RequestsMock, field: str, value: str, says: str
) -> None:
    response = admin_client.post(ADD, posted(None, **{"api_key": KEY, field: value}))

    assert set(errors_of(response)) == {field}
    assert says in errors_of(response)[field][0]
    assert "canary" not in response.content.decode()
    assert not devin.calls


def test_an_empty_key_keeps_the_stored_one(
    admin_client: Client, connection: Connection, devin: responses.RequestsMock
) -> None:
    admin_client.post(page_of(connection), posted(connection, description="new"))

    stored = Connection.objects.get()
    assert (stored.description, stored._api_key(), stored.version) == ("new", KEY, 2)
    assert not devin.calls


def test_a_new_key_replaces_the_stored_one(
    admin_client: Client, connection: Connection, answering: responses.RequestsMock
) -> None:
    admin_client.post(page_of(connection), posted(connection, api_key=OTHER_KEY))

    stored = Connection.objects.get()
    assert (stored._api_key(), stored.credentials_hint) == (OTHER_KEY, "5432")
    assert answering.calls[0].request.headers["Authorization"] == f"Bearer {OTHER_KEY}"


def test_a_refused_new_key_leaves_the_stored_one(
    admin_client: Client, connection: Connection, devin: responses.RequestsMock
) -> None:
    devin.get(f"{URL}/v3/self", status=401)

    admin_client.post(page_of(connection), posted(connection, api_key=OTHER_KEY))

    assert Connection.objects.get()._api_key() == KEY


def test_another_base_url_needs_the_key_again_and_gets_nothing_before(
    admin_client: Client, connection: Connection, devin: responses.RequestsMock
) -> None:
    response = admin_client.post(page_of(connection), posted(connection, base_url="https://other.example"))

    assert errors_of(response)["api_key"] == [
        "Enter the API key for https://other.example: the stored one is for https://devin.example only."
    ]
    assert Connection.objects.get().base_url == URL
    assert not devin.calls


def test_another_spelling_of_the_base_url_is_no_other(admin_client: Client, connection: Connection) -> None:
    admin_client.post(page_of(connection), posted(connection, base_url="HTTPS://Devin.Example:443/"))

    assert Connection.objects.get().version == 2
    assert Connection.objects.get()._api_key() == KEY


def test_the_key_goes_to_the_new_base_url_only(
    admin_client: Client, connection: Connection, answering: responses.RequestsMock
) -> None:
    form = posted(connection, base_url="https://other.example", api_key=OTHER_KEY)

    admin_client.post(page_of(connection), form)

    assert [call.request.url for call in answering.calls] == ["https://other.example/v3/self"]
    assert Connection.objects.get()._api_key() == OTHER_KEY


@pytest.fixture
def used(connection: Connection) -> DevinSync:
    project = Project.objects.create(name="Shop", slug="shop")
    return DevinSync.objects.create(name="shop", project=project, connection=connection, org_id="org-1")


@pytest.mark.parametrize("lacking", ["use_connection", "reveal_secret"])
@pytest.mark.parametrize("base_url", [URL, "https://other.example"])
def test_what_syncs_send_through_goes_elsewhere_by_those_alone_who_may_read_it(
    client: Client, used: DevinSync, answering: responses.RequestsMock, lacking: str, base_url: str
) -> None:
    change, field = {"base_url": base_url, "api_key": OTHER_KEY}, "api_key" if base_url == URL else "base_url"
    needed = {"view_connection", "change_connection", "use_connection", "reveal_secret"}
    user = log_in(client, *(needed - {lacking}))

    response = client.post(page_of(used.connection), posted(used.connection, **change))

    assert "1 sync sends values through “acme”" in errors_of(response)[field][0]
    assert not answering.calls
    assert Connection.objects.get()._api_key() == KEY
    user.user_permissions.add(Permission.objects.get(codename=lacking))
    client.post(page_of(used.connection), posted(used.connection, **change))
    assert Connection.objects.get()._api_key() == OTHER_KEY


def test_whoever_may_not_point_it_elsewhere_may_still_describe_it(client: Client, used: DevinSync) -> None:
    log_in(client, "view_connection", "change_connection")

    client.post(page_of(used.connection), posted(used.connection, description="new"))

    assert Connection.objects.get().description == "new"


def test_another_address_is_on_record_and_its_syncs_wait(
    admin_client: Client, used: DevinSync, answering: responses.RequestsMock
) -> None:
    form = posted(used.connection, base_url="https://other.example", api_key=OTHER_KEY)

    response = admin_client.post(page_of(used.connection), form, follow=True)

    logged = LogEntry.objects.latest("pk").change_message
    assert logged == "Changed the address from https://devin.example to https://other.example, API key."
    assert "1 sync that uses it waits until somebody has looked at the plan" in response.content.decode()
    used.refresh_from_db()
    assert used.is_elsewhere


def test_a_change_made_by_somebody_else_is_not_overwritten(admin_client: Client, connection: Connection) -> None:
    form = posted(connection, description="mine")
    connection.description = "theirs"
    connection.save()

    response = admin_client.post(page_of(connection), form)

    assert "Somebody else changed this connection" in response.content.decode()
    assert Connection.objects.get().description == "theirs"


# Testing


def test_the_button_tells_who_the_key_is(
    admin_client: Client, connection: Connection, answering: responses.RequestsMock
) -> None:
    response = admin_client.post(reverse("admin:connections_connection_test", args=[connection.pk]), follow=True)

    text = response.content.decode()
    assert "“acme” works. The API key is sync-bot (service user), organization org-1." in text
    assert "Test connection" in text


def test_the_action_ends_when_a_person_has_waited_long_enough(
    admin_client: Client,
    connection: Connection,
    answering: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connections.admin.PATIENCE_FOR_MANY", 0.0)

    response = admin_client.post(LIST, {"action": "test_selected", "_selected_action": [connection.pk]}, follow=True)

    assert "1 not tested: the others took too long. Choose fewer." in response.content.decode()
    assert not answering.calls


def test_the_action_tells_of_each_connection(
    admin_client: Client, connection: Connection, devin: responses.RequestsMock
) -> None:
    devin.get(f"{URL}/v3/self", status=401)

    response = admin_client.post(LIST, {"action": "test_selected", "_selected_action": [connection.pk]}, follow=True)

    assert "“acme” does not work. Could not find out who the API key is" in response.content.decode()
    assert Connection.objects.get().is_valid is False


def test_a_key_that_does_not_open_is_said_and_sent_nowhere(
    admin_client: Client, connection: Connection, devin: responses.RequestsMock
) -> None:
    Connection.objects.update(base_url="https://mallory.example")

    response = admin_client.post(reverse("admin:connections_connection_test", args=[connection.pk]), follow=True)

    assert "“acme” does not work. Could not read the API key" in response.content.decode()
    assert not devin.calls


def test_testing_is_a_post(admin_client: Client, connection: Connection) -> None:
    assert admin_client.get(reverse("admin:connections_connection_test", args=[connection.pk])).status_code == 405


# Permissions


@pytest.mark.parametrize("permissions", [(), ("view_connection",), ("use_connection",), ("change_connection",)])
def test_testing_needs_its_permission_and_view(
    client: Client, connection: Connection, devin: responses.RequestsMock, permissions: tuple[str, ...]
) -> None:
    log_in(client, *permissions)

    response = client.post(reverse("admin:connections_connection_test", args=[connection.pk]))
    client.post(LIST, {"action": "test_selected", "_selected_action": [connection.pk]})

    assert response.status_code == 404
    assert not devin.calls


def test_whoever_may_look_and_use_may_test_but_not_change(
    client: Client, connection: Connection, answering: responses.RequestsMock
) -> None:
    log_in(client, "view_connection", "use_connection")

    page = client.get(page_of(connection)).content.decode()
    assert "Test connection" in page
    assert "ends in …9876" in page
    assert 'type="password"' not in page
    assert client.post(page_of(connection), posted(connection, api_key=OTHER_KEY)).status_code == 403
    assert not answering.calls
    assert client.post(reverse("admin:connections_connection_test", args=[connection.pk])).status_code == 302
    assert len(answering.calls) == 1


@pytest.mark.parametrize("permissions", [(), ("view_connection", "use_connection"), ("change_connection",)])
def test_adding_without_permission_asks_nobody(
    client: Client, devin: responses.RequestsMock, permissions: tuple[str, ...]
) -> None:
    log_in(client, *permissions)

    assert client.post(ADD, posted(api_key=KEY)).status_code == 403
    assert not devin.calls


def test_the_list_cannot_be_filtered_by_the_credentials(client: Client, connection: Connection) -> None:
    log_in(client, "view_connection")

    response = client.get(f"{LIST}?sealed_credentials__startswith=ds1")

    assert response.status_code in (302, 400)


# Where a key never is


def test_the_key_is_on_no_page_and_in_no_history(
    admin_client: Client, answering: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [admin_client.post(ADD, posted(api_key=KEY), follow=True)]
    made = Connection.objects.get()
    pages.append(admin_client.post(page_of(made), posted(made, api_key=OTHER_KEY, name=""), follow=True))
    pages.append(admin_client.post(page_of(made), posted(made, api_key=OTHER_KEY), follow=True))
    pages += [admin_client.get(url) for url in (LIST, ADD, page_of(made), f"{LIST}{made.pk}/history/")]
    pages += [admin_client.get(f"{LIST}{made.pk}/delete/"), admin_client.get("/admin/")]

    assert [page.status_code for page in pages] == [200] * len(pages)
    text = "".join(page.content.decode() for page in pages) + caplog.text
    assert "canary" not in text
    assert "ds1." not in text
    history = str(list(LogEntry.objects.values()))
    assert "API key" in history
    assert "canary" not in history


def test_the_field_says_how_to_keep_the_key(admin_client: Client, connection: Connection) -> None:
    page = admin_client.get(page_of(connection)).content.decode()

    assert "Leave empty to keep the stored key (ends in …9876)." in page
    field = re.search(r'<input type="password"[^>]*>', page)
    assert field is not None
    assert "value=" not in field.group()


# The list


def test_the_list_takes_the_same_queries_however_long(
    admin_client: Client, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    def count() -> int:
        with django_assert_max_num_queries(20) as queries:
            admin_client.get(LIST)
        return len(queries)

    Connection.objects.create(name="one", base_url=URL)
    first = count()
    for number in range(10):
        Connection.objects.create(name=f"more-{number}", base_url=URL)

    assert count() == first


def test_the_list_tells_state_and_use(admin_client: Client, connection: Connection) -> None:
    Connection.objects.create(name="broken", base_url=URL, is_valid=False, validation_message="Devin answered 401.")

    page = admin_client.get(LIST).content.decode()

    assert "Not tested" in page
    assert '<span class="ds-badge ds-badge--failed">Failed</span>' in page
    assert "Devin answered 401." in page
    assert "0 syncs" in page


@pytest.mark.parametrize(("state", "shown"), [("valid", []), ("failed", ["broken"]), ("not-tested", ["acme"])])
def test_the_list_is_filtered_by_state(
    admin_client: Client, connection: Connection, state: str, shown: list[str]
) -> None:
    Connection.objects.create(name="broken", base_url=URL, is_valid=False)

    page = admin_client.get(f"{LIST}?validation={state}")

    assert [connection.name for connection in page.context["cl"].result_list] == shown


# Deleting


@pytest.fixture
def sync(connection: Connection) -> DevinSync:
    project = Project.objects.create(name="Billing", slug="billing")
    return DevinSync.objects.create(name="billing-prod", project=project, connection=connection, org_id="org-1")


def test_one_in_use_is_not_deleted_and_its_syncs_are_named(
    admin_client: Client, connection: Connection, sync: DevinSync
) -> None:
    url = f"{LIST}{connection.pk}/delete/"
    one = admin_client.post(url, {"post": "yes"})
    several = admin_client.post(
        LIST, {"action": "delete_selected", "_selected_action": [connection.pk], "post": "yes"}, follow=True
    )

    for response in (one, several):
        assert "billing-prod" in response.content.decode()
    assert Connection.objects.exists()


def test_pages_tell_which_syncs_use_it(admin_client: Client, connection: Connection, sync: DevinSync) -> None:
    assert "1 sync<" in admin_client.get(LIST).content.decode()
    assert "billing-prod" in admin_client.get(page_of(connection)).content.decode()


def test_one_that_nothing_uses_is_deleted(admin_client: Client, connection: Connection) -> None:
    admin_client.post(f"{LIST}{connection.pk}/delete/", {"post": "yes"})

    assert not Connection.objects.exists()


def test_of_many_users_some_are_named_and_all_counted(
    admin_client: Client, connection: Connection, used: DevinSync
) -> None:
    for number in range(24):
        DevinSync.objects.create(
            name=f"more-{number:02}", project=used.project, connection=connection, org_id="org-acme"
        )

    page, deletion = (
        admin_client.get(f"{LIST}{connection.pk}/{what}/").content.decode() for what in ("change", "delete")
    )

    assert "5 more syncs" in page
    assert "5 more" in deletion
    assert "more-22" not in page + deletion
    admin_client.post(f"{LIST}{connection.pk}/delete/", {"post": "yes"})
    assert Connection.objects.filter(pk=connection.pk).exists()


def test_suggests_connections_by_name(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    for name in ("b-second", "c-third", "a-first"):
        Connection.objects.create(name=name, base_url="https://devin.example")
    field = {"app_label": "syncs", "model_name": "devinsync", "field_name": "connection"}

    answer = client.get(reverse("admin:autocomplete"), field).json()

    assert [each["text"].split()[0] for each in answer["results"]] == ["a-first", "b-second", "c-third"]
