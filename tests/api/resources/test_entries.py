"""The audit log by the API: for administrators, narrowed, and a page at a time."""

from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.roles import ADMINISTRATOR
from audit.chain import link_some
from audit.models import Action, Entry
from audit.writing import note
from tests.api.conftest import Caller, make_caller, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(db: None) -> None:
    for number in range(5):
        note("alice", Action.CHANGED, kind="secret", object_id=f"id-{number}", name=f"KEY_{number}", detail="Changed.")
    while link_some():
        pass
    note("bob", Action.DELETED, kind="sync", object_id="id-9", name="orders")


def ask(caller: Caller, **query: Any) -> Any:
    return caller.get(f"/api/v1/audit?{urlencode({'kind': 'secret'} | query)}")


def names(answer: Any) -> list[str]:
    return [entry["name"] for entry in answer["entries"]]


@pytest.mark.usefixtures("log")
def test_goes_through_the_log_page_by_page_from_the_newest(administrator: Caller) -> None:
    first = ask(administrator, limit=3)
    # What comes meanwhile moves nothing.
    note("alice", Action.CHANGED, kind="secret", name="KEY_NEW")
    second = ask(administrator, limit=3, cursor=first["nextCursor"])

    assert names(first) + names(second) == ["KEY_4", "KEY_3", "KEY_2", "KEY_1", "KEY_0"]
    assert second["nextCursor"] is None


@pytest.mark.usefixtures("log")
def test_whoever_follows_from_the_oldest_misses_none(administrator: Caller) -> None:
    first = ask(administrator, order="oldest", limit=4)
    rest = ask(administrator, order="oldest", cursor=first["nextCursor"])
    note("alice", Action.CHANGED, kind="secret", name="KEY_NEW")
    nothing = ask(administrator, order="oldest", cursor=rest["nextCursor"])
    link_some()
    new = ask(administrator, order="oldest", cursor=nothing["nextCursor"])

    assert names(first) + names(rest) == [f"KEY_{number}" for number in range(5)]
    assert names(nothing) == []
    assert names(new) == ["KEY_NEW"]
    assert [entry["position"] for entry in first["entries"]] == [1, 2, 3, 4]


@pytest.mark.usefixtures("log")
def test_each_filter_leaves_what_fits(administrator: Caller) -> None:
    entry = Entry.objects.get(name="KEY_2")
    at = entry.at.isoformat()
    in_utc = entry.at.replace(tzinfo=None).isoformat()

    for query, found in (
        ({"actor": "alice"}, 5),
        ({"actor": "ali"}, 0),
        ({"kind": "sync"}, 1),
        ({"kind": "sync", "action": "deleted"}, 1),
        ({"action": "deleted"}, 0),
        ({"objectId": "id-2"}, 1),
        ({"name": "KEY_2"}, 1),
        ({"requestId": "nobody's"}, 0),
        ({"since": at, "name": "KEY_2"}, 1),
        ({"until": at, "name": "KEY_2"}, 0),
        ({"since": in_utc, "name": "KEY_2"}, 1),
    ):
        assert len(ask(administrator, **query)["entries"]) == found, query


@pytest.mark.usefixtures("log")
def test_filters_by_place_run_token_and_outcome(administrator: Caller) -> None:
    place = {"project": "shop", "environment": "dev", "path": "/app", "key": "DB_URL", "run": "4711"}
    entry = note("eve", Action.REFUSED, kind="secret", name="mine", lacking="vault.reveal_secret", **place)
    old = note("mallory", Action.FAILED_LOG_IN, kind="secret", name="old")
    Entry.objects.filter(pk=entry.pk).update(token="API token ci", changes='[["comment", "", "Of the shop"]]')
    Entry.objects.filter(pk=old.pk).update(outcome="")

    for name, text in {**place, "token": "API token ci"}.items():
        found = ask(administrator, **{"runId" if name == "run" else name: text})["entries"]
        assert [each["name"] for each in found] == ["mine"], name
    assert [each["name"] for each in ask(administrator, outcome="refused")["entries"]] == ["old", "mine"]
    told = ask(administrator, key="DB_URL")["entries"][0]
    assert (told["refusedFor"], told["runId"]) == ("vault.reveal_secret", "4711")
    assert told["changes"] == [{"field": "comment", "before": "", "after": "Of the shop"}]


@pytest.mark.usefixtures("log")
def test_a_line_is_answered_as_it_stands(administrator: Caller) -> None:
    entry = Entry.objects.get(name="KEY_2")

    told = ask(administrator, name="KEY_2")["entries"][0]

    assert (told["id"], told["position"], told["digest"]) == (str(entry.pk), 3, entry.digest)
    assert (told["actor"], told["action"], told["objectId"]) == ("alice", "changed", "id-2")
    assert ask(administrator, kind="sync")["entries"][0]["digest"] is None


@pytest.mark.parametrize(
    "query",
    [
        *("cursor=oldest-3", "cursor=newest-x", "order=oldest&cursor=newest-3", "action=eaten", "limit=1001"),
        *("since=soon", "since=0001-01-01T00:00:00%2B23:00", "until=9999-12-31T23:59:59-23:00"),
    ],
)
def test_names_the_parameter_that_is_wrong(administrator: Caller, query: str) -> None:
    answer = administrator.get(f"/api/v1/audit?{query}", status=422)

    assert answer["message"][0]["path"][-1] == query.rpartition("&")[2].partition("=")[0]


def test_takes_the_right_and_the_scope(editor: Caller) -> None:
    editor.get("/api/v1/audit", status=403)
    user = make_user("adam", ADMINISTRATOR)
    make_caller(user, scopes=["audit:read"]).get("/api/v1/audit")
    make_caller(user, scopes=["vault:read"]).get("/api/v1/audit", status=403)
