"""Who hears of a rotation that failed, stands still, or left an old key: notices, overview, metrics, pages."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.models import Connection
from connections.rotation.asking import ask, latest
from connections.rotation.models import KeyRotation, Outcome, Trigger
from connections.rotation.scheduling import ask_due, rotate_every
from connections.rotation.troubles import troubled
from metrics.gauges import KEY_ROTATIONS
from metrics.moment import read_moment
from notices.incidents import Lookout
from notices.models import Incident
from overview.attention import collect_attention
from sandbox.directory import MANAGE_SECRETS
from tests.connections.rotation.conftest import RIGHTS, Bench

pytestmark = pytest.mark.django_db


def told() -> list[tuple[str, bool]]:
    """The titles of incidents, and whether they are open."""
    Lookout().look()
    found = Incident.objects.filter(event="key-rotation").order_by("opened_at", "title")
    return [(each.title.replace("The API key of connection “acme” ", ""), each.closed_at is None) for each in found]


def counted() -> dict[str, float]:
    values = next(values for gauge, values in read_moment() if gauge is KEY_ROTATIONS)
    return {state: number for (state,), number in values.items() if number}


def words(user: User) -> list[str]:
    return [row.word for row in collect_attention(user).rows]


def age(rotation: KeyRotation, **left: float) -> None:
    KeyRotation.objects.filter(pk=rotation.pk).update(created_at=timezone.now() - timedelta(**left))


def test_a_failure_is_told_once_until_the_next_attempt_does(
    make_bench: Callable[..., Bench], admin_user: User, admin_client: Client
) -> None:
    bench = make_bench(permissions=(MANAGE_SECRETS,))
    rotate_every(bench.connection, 30)
    for _ in range(2):
        bench.rotate()
        assert told() == [("was not rotated", True)]
    assert (counted(), words(admin_user)) == ({"failed": 1}, ["Not rotated"])
    page = reverse("admin:connections_connection_change", args=[bench.connection.pk])
    assert "lacks the permission ManageAccountServiceUsers" in admin_client.get(page).content.decode()
    listed = admin_client.get(reverse("admin:connections_connection_changelist"), {"key": "not-rotated"})
    assert listed.context["cl"].result_count == 1

    again = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    assert told() == [("was not rotated", True)], "an attempt that is under way changes nothing yet"
    assert counted() == {"failed": 1, "under_way": 1}
    bench.sandbox.directory.declare_key(bench.connection._api_key(), org_id=None, permissions=RIGHTS)
    assert bench.finish(again).outcome == Outcome.DONE

    assert told() == [("was not rotated", False)]
    assert Incident.objects.get().end_text.startswith("The next attempt did: The new key is proved")
    assert (counted(), words(admin_user)) == ({}, [])


def test_one_that_comes_to_no_end_is_told_until_it_has(bench: Bench, admin_user: User, admin_client: Client) -> None:
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")
    age(rotation, minutes=29)
    assert (told(), counted(), words(admin_user)) == ([], {"under_way": 1}, [])
    age(rotation, minutes=31)

    assert [(title.split(" of ")[0], is_open) for title, is_open in told()] == [("The rotation", True)]
    assert (counted(), words(admin_user)) == ({"standing_still": 1}, ["Rotation stands still"])
    fragment = reverse("admin:connections_connection_key_progress", args=[bench.connection.pk])
    assert "Rotation stands still" in admin_client.get(fragment).content.decode()
    bench.finish(rotation)
    assert (told()[0][1], counted()) == (False, {})
    assert Incident.objects.get().end_text.startswith("It has ended: ")


def test_what_a_schedule_cannot_begin_is_told(bench: Bench) -> None:
    rotate_every(bench.connection, 30)
    Connection.objects.update(rotation_due_at=timezone.now(), org_id="org-a")

    ask_due()

    rotation = latest(bench.connection)
    assert rotation is not None
    assert (rotation.outcome, rotation.trigger) == (Outcome.FAILED, Trigger.SCHEDULE)
    assert "of the organization org-a alone" in rotation.message
    assert told() == [("was not rotated", True)]


def test_another_key_ends_a_failure(bench: Bench) -> None:
    ended = {"outcome": Outcome.FAILED, "ended_at": timezone.now()}
    KeyRotation.objects.create(connection=bench.connection, trigger=Trigger.PERSON, **ended)
    assert troubled().count() == 1

    bench.connection.set_api_key("cog_canary-of-another-key")
    bench.connection.save()

    assert troubled().count() == 0


@pytest.mark.parametrize(("days", "count"), [(None, 0), (30, 1)])
def test_a_failure_that_no_schedule_repeats_is_named_for_a_week(bench: Bench, days: int | None, count: int) -> None:
    ended = {"outcome": Outcome.FAILED, "ended_at": timezone.now() - timedelta(days=8)}
    KeyRotation.objects.create(connection=bench.connection, trigger=Trigger.PERSON, **ended)
    rotate_every(bench.connection, days)

    assert troubled().count() == count


@pytest.mark.parametrize(("by_hand", "incidents"), [(False, 1), (True, 0)])
def test_an_old_key_that_a_person_is_to_revoke_is_told(bench: Bench, by_hand: bool, incidents: int) -> None:
    ended = {"outcome": Outcome.OLD_KEPT, "ended_at": timezone.now(), "message": "Revoke it there."}
    KeyRotation.objects.create(connection=bench.connection, trigger=Trigger.SCHEDULE, is_by_hand=by_hand, **ended)

    assert told() == [("was rotated, but its old one still lives", True)] * incidents
    assert counted() == {}


def test_one_who_sees_no_connection_hears_nothing_of_its_rotation(bench: Bench) -> None:
    ended = {"outcome": Outcome.FAILED, "ended_at": timezone.now()}
    KeyRotation.objects.create(connection=bench.connection, trigger=Trigger.PERSON, **ended)

    assert words(User.objects.create_user("vera", password="x", is_staff=True)) == []
