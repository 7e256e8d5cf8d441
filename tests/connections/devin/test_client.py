"""The four calls: what is sent, what comes out, which error stands for which answer, and what is sent again."""

import json
import socket
import threading
import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from responses.matchers import query_param_matcher

from connections.devin import errors
from connections.devin.client import DevinClient
from connections.devin.types import Principal
from tests.connections.devin.conftest import API_KEY, URL, Clock
from tests.connections.servers import Received, item, page, serving
from tests.patience import PATIENCE

SECRETS = f"{URL}/v3/organizations/org-1/secrets"
VALUE = "canary-of-a-value"


def create(client: DevinClient) -> Any:
    return client.create_secret("org-1", key="DB_URL", value=VALUE, note="Synced")


def delete(client: DevinClient) -> None:
    client.delete_secret("org-1", "secret-1")


def list_all(client: DevinClient) -> Any:
    return client.list_secrets("org-1")


def test_sends_the_api_key_as_a_bearer_token(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.get(f"{URL}/v3/self", json={"principal_type": "service_user", "service_user_name": "sync", "org_id": "org-1"})

    principal = client.get_self()

    assert principal == Principal(principal_type="service_user", name="sync", org_id="org-1")
    assert devin.calls[0].request.headers["Authorization"] == f"Bearer {API_KEY}"


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"principal_type": "service_user", "service_user_id": "su-1", "org_id": None}, "su-1"),
        ({"principal_type": "pat_user", "user_name": "Alice"}, "Alice"),
        ({"principal_type": "pat_user", "user_email": "alice@example.org"}, "alice@example.org"),
        ({"principal_type": "windsurf_session"}, ""),
    ],
)
def test_knows_each_kind_of_principal(
    client: DevinClient, devin: responses.RequestsMock, answer: dict[str, Any], name: str
) -> None:
    devin.get(f"{URL}/v3/self", json=answer)

    assert client.get_self() == Principal(answer["principal_type"], name, "")


def test_creates_a_sensitive_key_value_secret(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.post(SECRETS, json=item(7, key="DB_URL", note="Synced", updated_at=1_700_000_009))

    secret = create(client)

    assert (secret.secret_id, secret.modified_at) == ("secret-7", 1_700_000_009)
    assert json.loads(devin.calls[0].request.body or b"") == {
        "type": "key-value",
        "key": "DB_URL",
        "value": VALUE,
        "is_sensitive": True,
        "note": "Synced",
    }


def test_deletes_by_id(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.delete(f"{SECRETS}/secret-1", json=item())

    delete(client)

    assert client.requests_sent == 1


@pytest.mark.parametrize("secret_id", ["", ".", ".."])
def test_an_id_never_leads_to_another_route(client: DevinClient, secret_id: str) -> None:
    with pytest.raises(errors.NotFound):
        client.delete_secret("org-1", secret_id)

    assert client.requests_sent == 0


def test_an_id_is_one_segment_whatever_it_has(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.delete(f"{SECRETS}/..%2Fx%3Fy", json=item())

    client.delete_secret("org-1", "../x?y")

    assert devin.calls[0].request.url == f"{SECRETS}/..%2Fx%3Fy"


# Lists


def test_lists_every_page(client: DevinClient, devin: responses.RequestsMock) -> None:
    first, second = {"first": "200"}, {"first": "200", "after": "two&"}
    devin.get(SECRETS, json=page([item(1), item(2)], after="two&", total=3), match=[query_param_matcher(first)])
    devin.get(SECRETS, json=page([item(3)], total=3), match=[query_param_matcher(second)])

    assert [secret.secret_id for secret in list_all(client)] == ["secret-1", "secret-2", "secret-3"]


def test_tolerates_what_it_does_not_know(client: DevinClient, devin: responses.RequestsMock) -> None:
    strange = item(key=None, secret_type="passkey", access_type="team", colour="blue")
    devin.get(SECRETS, json=page([strange], next_month="x"))

    (secret,) = list_all(client)

    assert (secret.key, secret.secret_type, secret.access_type) == (None, "passkey", "team")


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([page([item(1)], after="a"), page([item(1)])], id="the same secret twice"),
        pytest.param([page([item(1)], after="a"), page([item(2)], after="a")], id="a cursor that comes again"),
        pytest.param([page([], after="a"), page([], after="b"), page([], after="a")], id="a circle of empty pages"),
        pytest.param([page([item(1)], has_next_page=True)], id="a further page without a cursor"),
        pytest.param([page([item(1)], after="", has_next_page=True)], id="a further page with an empty cursor"),
        pytest.param([page([item(1)], total=2)], id="fewer than the total"),
        pytest.param([page([item(1)], after="a", total=3), page([item(3)], total=2)], id="a total that moves"),
        pytest.param([page([item(1)], after="a", total=2), page([item(2)])], id="a total that goes away"),
        pytest.param([page([item(1), item(2)], total=1)], id="more than the total"),
    ],
)
def test_refuses_a_list_that_cannot_be_right(
    client: DevinClient, devin: responses.RequestsMock, pages: list[dict[str, Any]]
) -> None:
    for body in pages:
        devin.get(SECRETS, json=body)

    with pytest.raises(errors.ListIncomplete) as caught:
        list_all(client)

    assert caught.value.retryable
    assert client.requests_sent == len(pages)


def test_gives_up_a_list_without_end(client: DevinClient, devin: responses.RequestsMock) -> None:
    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        number = len(devin.calls)
        return 200, {}, json.dumps(page([item(number)], after=f"cursor-{number}"))

    devin.add_callback(responses.GET, SECRETS, callback=answer)

    with pytest.raises(errors.ListIncomplete, match="more than 500 pages"):
        list_all(client)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "null",
        "[]",
        '{"items": [',
        '{"items": []}',
        '{"items": {}, "has_next_page": false}',
        '{"items": [NaN], "has_next_page": false}',
        '{"items": [1], "has_next_page": false}',
        '{"items": [], "has_next_page": "no"}',
        '{"items": [], "has_next_page": false, "total": "many"}',
        '{"items": [{"secret_id": "secret-1"}], "has_next_page": false}',
        json.dumps(page([item(secret_id="")])),
        json.dumps(page([item(secret_id=None)])),
        json.dumps(page([item(key=5)])),
        json.dumps(page([item(created_at=True)])),
        json.dumps(page([item(created_at="now")])),
        json.dumps(page([item(created_at=10**30)])),
        json.dumps(page([item(created_at=-1)])),
        json.dumps(page([item(updated_at=2**63)])),
        json.dumps(page([item(updated_at=1e300)])),
        json.dumps(page([], total=10**30)),
        '{"items": [], "has_next_page": false, "total": ' + "9" * 5000 + "}",
        json.dumps(page([item(secret_id="s" * 256)])),
        json.dumps(page([item(secret_id="secret\x00")])),
        json.dumps(page([item(secret_id="\ud800")])),
        json.dumps(page([], after="\ud800")),
        json.dumps(page([], after="c" * 5000)),
        '{"items": ' + "[" * 100_000 + "]" * 100_000 + "}",
        b'{"items": ["\xff\xfe"]}',
    ],
)
def test_asks_again_for_an_unusable_list_and_never_takes_it_for_empty(
    client: DevinClient, devin: responses.RequestsMock, body: str | bytes
) -> None:
    devin.get(SECRETS, body=body)

    with pytest.raises(errors.Ambiguous) as caught:
        list_all(client)

    assert caught.value.retryable
    assert client.requests_sent == 4


@pytest.mark.parametrize(
    ("members", "key", "note"),
    [
        ({"key": "A\x00B"}, "A‹U+0000›B", None),
        ({"key": "\ud83d"}, "‹U+D83D›", None),
        ({"key": "K" * 5000}, "K" * 1024, None),
        ({"key": "A", "note": "\udfff\x00"}, "A", "\N{REPLACEMENT CHARACTER}" * 2),
        ({"key": "A", "note": "n" * 100_000}, "A", "n" * 65536),
        ({"key": "A\N{RIGHT-TO-LEFT OVERRIDE}\x1b"}, "A‹U+202E›‹U+001B›", None),
        ({"key": "\N{RIGHT-TO-LEFT OVERRIDE}" * 5000}, ("‹U+202E›" * 1024)[:1024], None),
    ],
)
def test_a_strange_secret_of_others_is_read_and_made_harmless(
    client: DevinClient, devin: responses.RequestsMock, members: dict[str, Any], key: str, note: str | None
) -> None:
    devin.get(SECRETS, json=page([item(**members), item(2, secret_type="t" * 99, access_type="\x00")]))

    first, second = list_all(client)

    assert (first.key, first.note) == (key, note)
    assert (second.secret_type, second.access_type) == ("t" * 32, "‹U+0000›")


@pytest.mark.parametrize("created_at", [10**30, -1, 2**63, 1.5, None])
def test_a_create_whose_answer_no_column_holds_is_unclear(
    client: DevinClient, devin: responses.RequestsMock, created_at: Any
) -> None:
    devin.post(SECRETS, json=item(key="KEY", created_at=created_at))

    with pytest.raises(errors.Ambiguous, match="created_at"):
        create(client)


def test_a_name_that_no_column_holds_is_made_harmless(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.get(f"{URL}/v3/self", json={"principal_type": "\x00" * 900, "user_name": "\ud800" * 900})

    principal = client.get_self()

    assert (len(principal.principal_type), len(principal.name)) == (255, 255)
    assert (principal.name[:8], principal.principal_type[:8]) == ("‹U+D800›", "‹U+0000›")


# Errors


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (202, errors.Ambiguous),
        (301, errors.Ambiguous),
        (307, errors.Ambiguous),
        (400, errors.Refused),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (408, errors.Ambiguous),
        (409, errors.KeyTaken),
        (413, errors.Refused),
        (418, errors.Refused),
        (422, errors.Refused),
        (500, errors.Ambiguous),
        (503, errors.Ambiguous),
    ],
)
def test_each_status_of_a_create_has_its_error(
    client: DevinClient, devin: responses.RequestsMock, status: int, error: type[errors.DevinError]
) -> None:
    devin.post(SECRETS, status=status, json={"detail": VALUE}, headers={"Location": f"{URL}/elsewhere"})

    with pytest.raises(errors.DevinError) as caught:
        create(client)

    assert type(caught.value) is error
    assert caught.value.status == status
    assert caught.value.retryable == (error is errors.Ambiguous)
    assert client.requests_sent == 1


@pytest.mark.parametrize("call", [delete, list_all])
def test_only_a_create_can_meet_a_taken_key(client: DevinClient, devin: responses.RequestsMock, call: Any) -> None:
    devin.get(SECRETS, status=409)
    devin.delete(f"{SECRETS}/secret-1", status=409)

    with pytest.raises(errors.Refused):
        call(client)


def test_a_redirected_read_will_not_pass_by_waiting(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.get(SECRETS, status=302, headers={"Location": "https://elsewhere.example/"})

    with pytest.raises(errors.Ambiguous, match="Check the base URL of connection “acme”") as caught:
        list_all(client)

    assert not caught.value.retryable
    assert client.requests_sent == 1


def test_a_message_says_what_was_tried_what_came_back_and_what_to_do(
    client: DevinClient, devin: responses.RequestsMock
) -> None:
    devin.post(SECRETS, status=401)

    with pytest.raises(errors.Unauthorized) as caught:
        create(client)

    assert caught.value.message == (
        "Could not create `DB_URL` in org-1: Devin answered 401. Check the API key of connection “acme”."
    )


@pytest.mark.parametrize(
    "body",
    [item(key="OTHER"), item(key=None), item(key="DB_URL", secret_id=None), item(key="DB_URL", secret_id=""), [], {}],
)
def test_a_create_answered_by_something_else_may_have_happened(
    client: DevinClient, devin: responses.RequestsMock, body: Any
) -> None:
    devin.post(SECRETS, json=body)

    with pytest.raises(errors.Ambiguous) as caught:
        create(client)

    assert caught.value.retryable
    assert client.requests_sent == 1


@pytest.mark.parametrize("call", [create, delete, list_all])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 409, 422, 429, 500])
def test_no_error_tells_a_value_an_api_key_or_a_body(
    client: DevinClient,
    devin: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
    status: int,
    call: Any,
) -> None:
    echo = {"detail": [{"msg": f"{VALUE} {API_KEY} canary-of-a-body", "input": VALUE}]}
    for method in ("GET", "POST"):
        devin.add(method, SECRETS, status=status, json=echo)
    devin.delete(f"{SECRETS}/secret-1", status=status or 500, json=echo)

    try:
        call(client)
        shown = ""
    except errors.DevinError as error:
        shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.args) + repr(vars(error))

    assert "canary" not in shown + caplog.text + repr(client)


def test_a_chained_library_error_does_not_carry_the_request(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.post(SECRETS, body=requests.ConnectionError("cut", request=requests.Request("POST", URL, data=VALUE)))

    with pytest.raises(errors.Ambiguous) as caught:
        create(client)

    cause: Any = caught.value.__cause__.__cause__ if caught.value.__cause__ else None
    assert isinstance(cause, requests.ConnectionError)
    assert cause.request is None


# Tries


@pytest.mark.parametrize("call", [delete, list_all])
@pytest.mark.parametrize("fault", [{"status": 502}, {"body": requests.ConnectionError()}, {"body": requests.Timeout()}])
def test_reads_and_deletes_are_tried_four_times(
    client: DevinClient, devin: responses.RequestsMock, clock: Clock, call: Any, fault: dict[str, Any]
) -> None:
    devin.get(SECRETS, **fault)
    devin.delete(f"{SECRETS}/secret-1", **fault)

    with pytest.raises(errors.Ambiguous):
        call(client)

    assert client.requests_sent == 4
    assert len(clock.pauses) == 3
    assert all(0 <= pause <= 5 for pause in clock.pauses)


@pytest.mark.parametrize("fault", [{"status": 502}, {"body": requests.ConnectionError()}, {"body": requests.Timeout()}])
def test_a_create_is_never_repeated_when_it_may_have_happened(
    client: DevinClient, devin: responses.RequestsMock, fault: dict[str, Any]
) -> None:
    devin.post(SECRETS, **fault)

    with pytest.raises(errors.Ambiguous):
        create(client)

    assert client.requests_sent == 1


def test_a_read_recovers(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.get(SECRETS, status=500)
    devin.get(SECRETS, body="<html>")
    devin.get(SECRETS, json=page([item()]))

    assert len(list_all(client)) == 1


@pytest.mark.parametrize("call", [create, delete, list_all])
def test_every_call_is_repeated_after_a_429(
    client: DevinClient, devin: responses.RequestsMock, clock: Clock, call: Any
) -> None:
    limited = {"status": 429, "headers": {"Retry-After": "7"}}
    devin.get(SECRETS, **limited)
    devin.get(SECRETS, json=page([]))
    devin.post(SECRETS, **limited)
    devin.post(SECRETS, json=item(key="DB_URL"))
    devin.delete(f"{SECRETS}/secret-1", **limited)
    devin.delete(f"{SECRETS}/secret-1", json=item())

    call(client)

    assert clock.pauses == [7]
    assert (client.requests_sent, client.rate_limited, client.concurrency_now) == (2, 1, 2)


def test_waits_longer_each_time_when_devin_does_not_say_how_long(
    client: DevinClient, devin: responses.RequestsMock, clock: Clock
) -> None:
    devin.post(SECRETS, status=429, headers={"Retry-After": "soon"})

    with pytest.raises(errors.RateLimited) as caught:
        create(client)

    assert clock.pauses == [1, 2, 4, 8, 16]
    assert caught.value.retry_after.total_seconds() == 32


@pytest.fixture
def impatient(clock: Clock) -> Iterator[DevinClient]:
    """One that a person waits for."""
    with DevinClient(
        base_url=URL,
        api_key=API_KEY,
        deadline=timedelta(seconds=5),
        tries=2,
        patience=timedelta(seconds=15),
        longest_wait=timedelta(seconds=3),
        wait=clock.wait,
        clock=clock,
    ) as client:
        yield client


@pytest.mark.parametrize("asked", ["4", "59", "900"])
def test_nobody_is_kept_waiting_for_what_devin_asks(
    impatient: DevinClient, devin: responses.RequestsMock, clock: Clock, asked: str
) -> None:
    devin.get(SECRETS, status=429, headers={"Retry-After": asked})

    with pytest.raises(errors.RateLimited, match=rf"no more requests for {asked} seconds\. Try again then\.") as caught:
        list_all(impatient)

    assert caught.value.retry_after.total_seconds() == int(asked)
    assert (clock.pauses, impatient.requests_sent) == ([], 1)


def test_a_short_wait_is_waited_out(impatient: DevinClient, devin: responses.RequestsMock, clock: Clock) -> None:
    devin.get(SECRETS, status=429, headers={"Retry-After": "2"})
    devin.get(SECRETS, json=page([item()]))

    assert len(list_all(impatient)) == 1
    assert clock.pauses == [2]


def test_short_waits_one_after_the_other_end_too(
    impatient: DevinClient, devin: responses.RequestsMock, clock: Clock
) -> None:
    for number in range(99):
        devin.get(SECRETS, status=429, headers={"Retry-After": "3"})
        devin.get(SECRETS, json=page([item(number)], after=str(number)))

    with pytest.raises(errors.DevinError):
        list_all(impatient)

    assert clock.now <= 15


def test_a_long_list_of_slow_pages_ends_when_patience_does(
    impatient: DevinClient, devin: responses.RequestsMock, clock: Clock
) -> None:
    def answer(_: Any) -> tuple[int, dict[str, str], str]:
        clock.now += 4
        number = impatient.requests_sent
        return 200, {}, json.dumps(page([item(number)], after=f"page-{number}"))

    devin.add_callback(responses.GET, SECRETS, callback=answer)

    with pytest.raises(errors.Unreachable, match="did not tell all within 15 seconds") as caught:
        list_all(impatient)

    assert caught.value.retryable
    assert impatient.requests_sent == 4


def test_one_slow_request_ends_when_patience_does() -> None:
    released = threading.Event()

    def stay_silent(_: Received, __: socket.socket) -> None:
        released.wait(PATIENCE)

    with serving(stay_silent) as server:
        client = DevinClient(
            base_url=server.url,
            api_key=API_KEY,
            deadline=timedelta(seconds=30),
            tries=4,
            patience=timedelta(seconds=0.5),
        )
        with pytest.raises(errors.DevinError):
            list_all(client)
        released.set()

    assert client.requests_sent == 1


@pytest.mark.parametrize(("asked", "told"), [("61", 61), ("1000000000", 900), ("9" * 400, 900)])
def test_a_long_wait_is_left_to_the_caller(
    client: DevinClient, devin: responses.RequestsMock, clock: Clock, asked: str, told: int
) -> None:
    devin.post(SECRETS, status=429, headers={"Retry-After": asked})

    for _ in range(2):
        with pytest.raises(errors.RateLimited) as caught:
            create(client)

    assert caught.value.retry_after.total_seconds() == told
    assert caught.value.retryable
    assert (client.requests_sent, clock.pauses) == (1, [])


def test_concurrency_shrinks_to_one_and_grows_back(client: DevinClient, devin: responses.RequestsMock) -> None:
    for _ in range(3):
        devin.get(SECRETS, status=429, headers={"Retry-After": "1"})
    devin.get(SECRETS, json=page([]))
    list_all(client)
    shrunk = client.concurrency_now

    sizes = []
    for _ in range(60):
        list_all(client)
        sizes.append(client.concurrency_now)

    assert shrunk == 1
    assert (sizes[18], sizes[38], sizes[58], sizes[59]) == (2, 3, 4, 4)


def test_refuses_an_api_key_that_would_break_out_of_its_header() -> None:
    with pytest.raises(ValueError, match="characters that no API key has") as caught:
        DevinClient(base_url=URL, api_key="cog_a\r\nX-Canary: 1", deadline=None)  # type: ignore[arg-type]

    assert "Canary" not in str(caught.value)


# Organizations of an enterprise

ORGANIZATIONS = f"{URL}/v3/enterprise/organizations"


def organization(number: int, **members: Any) -> dict[str, Any]:
    return {"org_id": f"org-{number}", "name": f"Team {number}", "created_at": 1, "updated_at": 1, **members}


def test_lists_every_page_of_organizations(client: DevinClient, devin: responses.RequestsMock) -> None:
    first, second = {"first": "200"}, {"first": "200", "after": "two"}
    devin.get(ORGANIZATIONS, json=page([organization(1)], after="two"), match=[query_param_matcher(first)])
    strange = organization(2, name="Te\u202eam", colour="blue")
    devin.get(ORGANIZATIONS, json=page([strange, organization(3, name=None)]), match=[query_param_matcher(second)])

    found = client.list_organizations()

    assert [each.org_id for each in found] == ["org-1", "org-2", "org-3"]
    assert (found[0].name, found[2].name) == ("Team 1", "")
    assert "\u202e" not in found[1].name


@pytest.mark.parametrize("members", [{"org_id": ""}, {"org_id": 7}, {"org_id": "x" * 256}, {"name": 7}])
def test_an_organization_that_is_none_makes_the_list_unusable(
    client: DevinClient, devin: responses.RequestsMock, members: dict[str, Any]
) -> None:
    devin.get(ORGANIZATIONS, json=page([organization(1, **members)]))

    with pytest.raises(errors.Ambiguous):
        client.list_organizations()


def test_one_organization_twice_is_no_list(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.get(ORGANIZATIONS, json=page([organization(1), organization(1)]))

    with pytest.raises(errors.ListIncomplete, match="it had one organization twice"):
        client.list_organizations()
