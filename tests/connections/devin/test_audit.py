"""Lines of the audit log in whatever form they come: what of them is understood, and what is not known."""

from typing import Any

import pytest
import responses
from responses.matchers import query_param_matcher

from connections.devin.audit import AuditEvent
from connections.devin.client import DevinClient
from connections.devin.errors import Forbidden
from tests.connections.devin.conftest import URL

ID, KEY = "secret-1", "DB_URL"
# What `data` may hold, and whether it is of the secret.
FORMS: list[tuple[object, bool]] = [
    ({"secret_id": ID}, True),
    ({"secretId": ID, "key": "OTHER"}, True),
    ({"id": ID}, True),
    ({"secret": {"id": ID, "name": "x"}}, True),
    ({"resource": {"type": "secret", "uuid": ID}}, True),
    ({"changes": [{"before": {"ref": ID}}]}, True),
    (ID, True),
    ([ID], True),
    ({"key": KEY}, True),
    ({"secret_key": KEY}, True),
    ({"secretName": KEY}, True),
    ({"secret": {"key": KEY}}, True),
    ({"keys": ["A", KEY]}, True),
    ({"user": {"id": "user-1", "name": "ana"}, "key": KEY}, True),
    ({"secret_id": "secret-2", "key": KEY}, False),
    ({"secret": {"id": "secret-2", "key": KEY}}, False),
    ({"user_name": KEY}, False),
    ({"comment": KEY}, False),
    ({"key": KEY.lower()}, False),
    ({"key": f"{KEY}_2"}, False),
    ({"key": 5, "id": None}, False),
    ({}, False),
    ([], False),
    (None, False),
    (7, False),
    (KEY, False),
]


@pytest.mark.parametrize(("data", "is_of"), FORMS)
def test_it_looks_for_the_secrets_id_or_key(data: object, is_of: bool) -> None:
    event = AuditEvent.parse({"action": "update_secret", "data": data})

    assert event.is_of(frozenset({ID}), KEY) is is_of


TIMES = [
    (1_700_000_000, 1_700_000_000),
    (1_700_000_000.9, 1_700_000_000),
    (1_700_000_000_123, 1_700_000_000),
    ("2023-11-14T22:13:20Z", 1_700_000_000),
    ("2023-11-14T22:13:20", 1_700_000_000),
    ("2023-11-15T00:13:20+02:00", 1_700_000_000),
    ("yesterday", None),
    (None, None),
    (True, None),
    (-1, None),
    (10**30, None),
    (2**53 - 1, None),
    (900_000_000_000_000, None),
    (float("nan"), None),
    ({}, None),
]


@pytest.mark.parametrize(("told", "at"), TIMES)
def test_it_takes_a_time_in_any_usual_form(told: object, at: int | None) -> None:
    assert AuditEvent.parse({"created_at": told}).at == at


@pytest.mark.parametrize(
    ("who", "by"),
    [
        ({"user_id": "u-1", "user_email": "ana@example.com"}, "ana@example.com"),
        ({"service_user_id": "su-1", "service_user_name": "ci"}, "ci"),
        ({"service_user_id": "su-1", "service_user_name": None}, "su-1"),
        ({"user_email": "a\u202eb\x07"}, "a‹U+202E›b‹U+0007›"),
        ({"user_email": "x" * 500}, "x" * 200),
        ({"user_email": ["ana"]}, ""),
        ({}, ""),
    ],
)
def test_it_names_who_did_it_harmlessly(who: dict[str, Any], by: str) -> None:
    assert AuditEvent.parse(who).by == by


@pytest.mark.parametrize("line", [None, [], "x", 3, {"data": {"a": {"b": {"c": {"d": {"e": {"f": {"g": ID}}}}}}}}])
def test_what_it_cannot_understand_is_of_nothing(line: object) -> None:
    assert not AuditEvent.parse(line).is_of(frozenset({ID}), KEY)


def test_it_does_not_look_through_endless_data() -> None:
    event = AuditEvent.parse({"data": {f"m{number}": "x" for number in range(10_000)} | {"secret_id": ID}})

    assert not event.is_of(frozenset({ID}), KEY)


@pytest.mark.parametrize(
    ("org_id", "path"), [("org-1", "/v3/organizations/org-1/audit-logs"), ("", "/v3/enterprise/audit-logs")]
)
def test_the_client_asks_for_the_newest(
    client: DevinClient, devin: responses.RequestsMock, org_id: str, path: str
) -> None:
    asked = query_param_matcher({"order": "desc", "first": "200", "action": "delete_secret"})
    items = [{"action": "delete_secret"}, "nonsense"]
    devin.get(f"{URL}{path}", json={"items": items, "has_next_page": True, "end_cursor": "x"}, match=[asked])

    assert [event.action for event in client.newest_events(org_id, "delete_secret")] == ["delete_secret", ""]


def test_a_key_that_may_not_is_told_so(client: DevinClient, devin: responses.RequestsMock) -> None:
    devin.get(f"{URL}/v3/organizations/org-1/audit-logs", status=403)

    with pytest.raises(Forbidden):
        client.newest_events("org-1", "delete_secret")
