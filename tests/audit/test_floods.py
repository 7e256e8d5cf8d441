"""Whoever floods the log-in fills neither the audit log nor any other table."""

import json
from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from accounts.models import Session
from api.auth import throttle
from api.models import LoginFailures, MachineIdentity
from audit import floods
from audit.capture import TOO_MANY, UNKNOWN
from audit.models import Action, Entry, FailedLogIns
from tests.audit.test_capture import browser_of, make

pytestmark = pytest.mark.django_db
ELSEWHERE = "203.0.113.9"


def fail(*, address: str = "198.51.100.7", name: str = "alice") -> None:
    form = {"username": name, "password": "wrong"}
    Client(REMOTE_ADDR=address).post("/admin/login/", form, headers={"User-Agent": f"browser of {name}"})


def flood(address: str = "198.51.100.7", *, times: int) -> None:
    for _ in range(times):
        floods.count(address)


def lacking() -> list[str]:
    return list(Entry.objects.filter(action=Action.FAILED_LOG_IN).order_by("pk").values_list("lacking", flat=True))


def test_a_flood_of_wrong_passwords_is_told_in_one_line_more() -> None:
    for number in range(floods.TOLD + 8):
        fail(name=f"name-{number}")

    lines = Entry.objects.order_by("-pk")
    assert lines.count() == floods.TOLD + 1
    assert (lines[0].actor, lines[0].lacking) == (UNKNOWN, TOO_MANY)
    assert lines[0].detail == "31 from this address in a quarter of an hour; more are not told one by one."
    assert AccessAttempt.objects.count() == 10
    assert not Session.objects.exists()


def test_a_flood_hides_nobody_else_and_ends() -> None:
    User.objects.create_user("alice", password="correct-horse-7", is_staff=True)
    flood(times=floods.TOLD + 1)

    fail()
    assert lacking() == []
    fail(address=ELSEWHERE)
    assert lacking() == ["wrong password"]
    FailedLogIns.objects.update(window=0)
    fail()
    assert lacking() == ["wrong password"] * 2


def test_the_line_comes_again_when_there_are_ten_times_as_many() -> None:
    assert [number for number in range(40_000) if floods.is_round(number)] == [31, 301, 3_001, 30_001]
    flood(times=300)

    for _ in range(3):
        fail()

    assert [line.detail.split()[0] for line in Entry.objects.all()] == ["301"]


def test_one_network_of_ipv6_is_one_address() -> None:
    for number in range(floods.TOLD + 5):
        fail(address=f"2001:db8:1:2::{number:x}", name=f"name-{number}")
    fail(address="2001:db8:1:3::1")

    assert lacking().count(TOO_MANY) == 1
    assert Entry.objects.count() == floods.TOLD + 2
    assert AccessAttempt.objects.count() == 11


def test_a_flood_of_machines_is_told_likewise(settings: LazySettings) -> None:
    settings.API_RATE_PER_MINUTE = 0
    identity = MachineIdentity.objects.create(name="deploy", role=make("eve", "Editor").groups.get())
    body = json.dumps({"clientId": str(identity.client_id), "clientSecret": "wrong"})

    for _ in range(floods.TOLD + 5):
        Client().post("/api/v1/auth/universal-auth/login", body, content_type="application/json")

    assert Entry.objects.count() == floods.TOLD + 1
    assert lacking()[-1] == TOO_MANY


def test_whoever_is_in_is_told_of_in_a_flood_too() -> None:
    User.objects.create_superuser("root", password="correct-horse-7")
    client = browser_of(User.objects.get())
    session = client.session
    session["confirmed_at"] = 0
    session.save()
    flood("127.0.0.1", times=floods.TOLD + 5)

    client.post(reverse("admin:confirm_identity"), {"password": "wrong"})

    assert lacking() == ["wrong password"]


def fail_machine(address: str, client_id: object) -> int:
    body = json.dumps({"clientId": str(client_id), "clientSecret": "wrong"})
    client = Client(REMOTE_ADDR=address)
    return client.post("/api/v1/auth/universal-auth/login", body, content_type="application/json").status_code


def rows() -> dict[str, int]:
    """How many there are of all that a stranger may make."""
    return {row.__name__: row.objects.count() for row in (Entry, AccessAttempt, FailedLogIns, LoginFailures, Session)}


@pytest.fixture
def from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next is one too many for all addresses together."""
    monkeypatch.setattr(floods, "TOLD_IN_ALL", 3)
    monkeypatch.setattr(throttle, "SHARED", 2)
    for number in range(3):
        fail(address=f"192.0.2.{number}", name=f"name-{number}")


def test_a_flood_from_everywhere_is_told_in_one_line_and_fills_no_table(
    from_everywhere: None, settings: LazySettings
) -> None:
    settings.API_RATE_PER_MINUTE = 0
    before = rows()

    for number in range(12):
        fail(address=f"203.0.113.{number}", name=f"other-{number}")
        fail_machine(f"203.0.113.{number}", uuid4())

    assert rows() == before | {"Entry": before["Entry"] + 1, "LoginFailures": 2}
    assert Entry.objects.latest("pk").detail.startswith("4 from all addresses together in a quarter of an hour;")


def test_what_is_tried_at_somebody_is_told_and_counted_in_it(from_everywhere: None) -> None:
    User.objects.create_superuser("root", password="correct-horse-7")
    at_root = AccessAttempt.objects.filter(username="root")

    for number in range(12):
        fail(address=f"203.0.113.{number}", name="root")

    assert lacking().count("wrong password") - 3 == Entry.objects.filter(actor="root").count() == 9, "then it is locked"
    assert at_root.count() == 10


def test_nobody_is_locked_out_by_it(from_everywhere: None) -> None:
    User.objects.create_superuser("root", password="correct-horse-7")
    for number in range(12):
        fail(address=f"203.0.113.{number}", name=f"other-{number}")

    client = Client(REMOTE_ADDR="203.0.113.200")
    client.post("/admin/login/", {"username": "root", "password": "correct-horse-7"})

    assert client.get(reverse("admin:index")).status_code == 200


def test_a_machine_has_a_count_of_its_own_in_it(from_everywhere: None) -> None:
    identity = MachineIdentity.objects.create(name="deploy", role=make("eve", "Editor").groups.get())
    for number in range(12):
        fail_machine(f"203.0.113.{number}", uuid4())

    assert [fail_machine("203.0.113.99", identity.client_id) for _ in range(4)] == [401, 401, 401, 429]


def test_strangers_beyond_many_share_their_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST_STRANGERS", 2)
    monkeypatch.setattr(throttle, "SHARED", 1)
    strangers = throttle.Strangers()

    names = [strangers.name_of(f"ip:{number}", window) for window in (1, 2) for number in (1, 2, 3, 4, 2)]

    assert names == ["ip:1", "ip:2", "shared 0", "shared 0", "ip:2"] * 2


def test_counts_of_before_are_deleted() -> None:
    flood(times=2)
    flood(ELSEWHERE, times=1)
    FailedLogIns.objects.filter(address=ELSEWHERE).update(window=0)

    assert not floods.clean_some()

    kept = FailedLogIns.objects.order_by("address").values_list("address", "count")
    assert list(kept) == [(floods.EVERYWHERE, 3), ("198.51.100.7", 2)]
