"""Each line vouches for those before it, and the database refuses to alter one."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.chain import link_some, verify
from audit.models import Action, Entry, Head
from audit.triggers import install
from audit.writing import note

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def write(count: int = 5) -> None:
    for number in range(count):
        note("alice", Action.CHANGED, kind="secret", object_id=number, name=f"KEY_{number}", detail="Changed.")
    while link_some():
        pass


def test_lines_as_they_were_written_pass() -> None:
    write()
    note("alice", Action.ADDED, name="not linked yet")

    assert verify() == (5, None)


def test_linking_goes_on_where_it_stopped() -> None:
    write(2)
    write(3)

    assert list(Entry.objects.order_by("id").values_list("position", flat=True)) == [1, 2, 3, 4, 5]
    assert verify() == (5, None)


TAMPERINGS: dict[str, Callable[[], object]] = {
    "another actor": lambda: Entry.objects.filter(position=3).update(actor="bob"),
    "another time": lambda: Entry.objects.filter(position=3).update(at=timezone.now() - timedelta(hours=1)),
    "another address": lambda: Entry.objects.filter(position=3).update(address="10.0.0.1"),
    "a line is gone": lambda: Entry.objects.filter(position=3).delete(),
    "two change places": lambda: (
        Entry.objects.filter(position=3).update(position=99),
        Entry.objects.filter(position=4).update(position=3),
        Entry.objects.filter(position=99).update(position=4),
    ),
}


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS)
def test_names_the_first_line_that_was_tampered_with(tamper: Callable[[], object]) -> None:
    write()

    tamper()

    count, fault = verify()
    assert count == 2
    assert fault is not None
    assert fault.position == 3


def test_a_cut_end_is_noticed() -> None:
    write()

    Entry.objects.filter(position__gt=3).delete()

    count, fault = verify()
    assert count == 3
    assert fault is not None
    assert fault.message == "The lines from 4 to 5 are missing."


def test_a_cut_end_with_a_head_to_match_is_noticed() -> None:
    write()
    last = Entry.objects.get(position=3)
    Entry.objects.filter(position__gt=3).delete()
    Head.objects.update(last_position=3, last_digest=last.digest)

    assert verify()[1] is not None


def test_a_line_that_was_put_in_later_is_noticed() -> None:
    write()
    Entry.objects.create(actor="mallory", action=Action.ADDED, position=6, digest="0" * 64)

    count, fault = verify()
    assert count == 5
    assert fault is not None


def test_an_emptied_log_is_noticed() -> None:
    write()
    Head.objects.all().delete()

    assert verify()[1] is not None


def test_a_line_that_nobody_links_is_told() -> None:
    entry = note("alice", Action.ADDED)
    Entry.objects.filter(pk=entry.pk).update(at=timezone.now() - timedelta(hours=1))

    fault = verify()[1]
    assert fault is not None
    assert "Is the scheduler running?" in fault.message


def test_old_lines_go_and_the_chain_still_holds(settings: LazySettings) -> None:
    from audit.chain import clean_some

    for days in (50, 45, 2):
        entry = note("alice", Action.ADDED)
        Entry.objects.filter(pk=entry.pk).update(at=timezone.now() - timedelta(days=days))
        link_some()
    settings.AUDIT_KEPT = timedelta(days=40)

    clean_some()

    assert Entry.objects.count() == 1
    assert verify() == (1, None)
    write(1)
    assert verify() == (2, None)


def test_the_command_says_how_it_stands() -> None:
    write(3)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    Entry.objects.filter(position=2).update(detail="Nothing.")

    assert out.getvalue() == "3 lines, each as it was written.\n"
    with pytest.raises(CommandError, match=r"Line 2 .* was altered"):
        call_command("verify_audit")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET actor = 'bob'",
        "UPDATE audit_entry SET detail = '' WHERE position = 1",
        "UPDATE audit_entry SET position = 7 WHERE position = 1",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE position = 1",
    ],
)
def test_the_database_refuses(statement: str) -> None:
    write(2)
    note("alice", Action.ADDED)
    install()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_lets_lines_be_linked_and_old_ones_go(settings: LazySettings) -> None:
    from audit.chain import clean_some

    install()
    Entry.objects.create(actor="alice", action=Action.ADDED, at=timezone.now() - timedelta(days=400))
    link_some()
    settings.AUDIT_KEPT = timedelta(days=365)

    clean_some()

    assert not Entry.objects.exists()
