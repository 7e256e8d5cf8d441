"""Whatever a writer of the database does to any one line, the log names that line."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.chain import SIGNED, SIGNED_LATER, clean_some, link_some, verify
from audit.models import Action, Entry, Form, Head
from audit.writing import note

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
LINES = 80
# Changed together with what follows from it, or not at all.
KEPT_BY = {"id", "position", "digest", "at"}
ALL_SIGNED = (*SIGNED, *SIGNED_LATER)


def alter(column: str) -> Callable[[int], object]:
    """Another character more, in a column of text."""
    return lambda at: Entry.objects.filter(position=at).update(**{column: f"{getattr(line_at(at), column)[:15]}x"})


def empty(column: str) -> Callable[[int], object]:
    return lambda at: Entry.objects.filter(position=at).update(**{column: ""})


def line_at(position: int) -> Entry:
    return Entry.objects.get(position=position)


def insert(at: int) -> None:
    """Those from there on move up by one, the last one first."""
    for position in range(LINES, at - 1, -1):
        Entry.objects.filter(position=position).update(position=position + 1)
    Entry.objects.create(actor="mallory", action=Action.ADDED, position=at, digest="0" * 64)


def delete_and_close(at: int) -> None:
    """Leaves no gap: those after it move down. Of the last one, the head would know."""
    Entry.objects.filter(position=at).delete()
    for position in range(at + 1, LINES + 1):
        Entry.objects.filter(position=position).update(position=position - 1)


def swap(at: int) -> None:
    """With the next one, or the last with the first."""
    other = at % LINES + 1
    Entry.objects.filter(position=at).update(position=LINES + 9)
    Entry.objects.filter(position=other).update(position=at)
    Entry.objects.filter(position=LINES + 9).update(position=other)


def repeat(at: int) -> None:
    """The one after it says the same, digest and all."""
    told = Entry.objects.filter(position=at % LINES + 1).values(*ALL_SIGNED, "at", "digest").get()
    Entry.objects.filter(position=at).update(**told)


ALTERATIONS: dict[str, Callable[[int], object]] = {
    **{f"another {column}": alter(column) for column in ALL_SIGNED},
    **{f"no {column}": empty(column) for column in SIGNED_LATER},
    "told to be of an earlier release": lambda at: Entry.objects.filter(position=at).update(form=Form.OF_FEW),
    "told to be not linked": lambda at: Entry.objects.filter(position=at).update(form=Form.NOT_LINKED),
    "another time": lambda at: Entry.objects.filter(position=at).update(at=F("at") + timedelta(seconds=1)),
    "another digest": lambda at: Entry.objects.filter(position=at).update(digest="0" * 64),
    "no digest": lambda at: Entry.objects.filter(position=at).update(digest=""),
    "not linked": lambda at: Entry.objects.filter(position=at).update(position=None),
    "deleted": lambda at: Entry.objects.filter(position=at).delete(),
    "deleted, and no gap left": delete_and_close,
    "another put in": insert,
    "swapped": swap,
    "the words of another": repeat,
    "this and all after it deleted": lambda at: Entry.objects.filter(position__gte=at).delete(),
}


def write(count: int) -> None:
    for number in range(count):
        row = {"kind": "secret", "object_id": str(number), "name": f"KEY_{number}", "detail": "Changed."}
        place = {"project": "shop", "environment": "dev", "path": "/app", "key": f"KEY_{number}", "run": "4711"}
        entry = note("alice", Action.CHANGED, **row, **place, lacking="vault.reveal_secret")
        Entry.objects.filter(pk=entry.pk).update(token="API token ci", changes='[["comment", "", "Of the shop"]]')
    link_some()


def test_every_column_is_signed_or_is_the_chain_itself() -> None:
    assert {field.name for field in Entry._meta.fields} == {*ALL_SIGNED, *KEPT_BY, "form"}


def test_names_each_line_whatever_is_done_to_it(record_property: Callable[[str, object], None]) -> None:
    """Each of the lines in turn, and each kind of alteration several times over."""
    write(LINES)
    kinds = list(ALTERATIONS.items())
    missed = []
    for at in range(1, LINES + 1):
        kind, act = kinds[at % len(kinds)]
        with transaction.atomic():
            act(at)
            fault = verify()[1]
            transaction.set_rollback(True)
        # A swap of the last with the first is seen at the first.
        expected = 1 if kind == "swapped" and at == LINES else at
        if fault is None or fault.position != expected:
            missed.append((kind, at, fault))

    assert missed == []
    assert verify() == (LINES, None)
    record_property("altered", LINES)
    record_property("named", LINES - len(missed))


@pytest.mark.parametrize("kind", ALTERATIONS)
def test_each_kind_is_noticed_at_the_first_line_and_at_the_last(kind: str) -> None:
    write(LINES)
    for at in (1, LINES):
        with transaction.atomic():
            ALTERATIONS[kind](at)
            assert verify()[1] is not None, at
            transaction.set_rollback(True)


def move_the_beginning() -> None:
    """As cleaning does it, by somebody who has no key: a line goes, and the head tells of a later beginning."""
    first = line_at(1)
    first.delete()
    Head.objects.update(first_position=1, first_digest=first.digest)


def test_what_went_for_its_age_is_proved_and_what_was_cut_is_not() -> None:
    write(3)
    move_the_beginning()

    fault = verify()[1]
    assert fault is not None
    assert fault.message == "The head of the log was altered."


def test_an_older_head_does_not_bring_back_the_beginning() -> None:
    old = Entry(actor="alice", action=Action.ADDED, at=timezone.now() - timedelta(days=400))
    Entry.objects.bulk_create([old])
    write(2)
    before = Head.objects.values().get()
    clean_some()
    Head.objects.filter(pk=1).update(**{name: value for name, value in before.items() if name != "id"})

    assert not Entry.objects.filter(pk=old.pk).exists()
    fault = verify()[1]
    assert fault is not None
    assert fault.position == 1


def test_an_altered_head_is_not_vouched_for_anew_by_what_comes() -> None:
    """The end is cut, and the head made to fit: the scheduler goes on linking, and the fault stays."""
    write(4)
    last = line_at(2)
    Entry.objects.filter(position__gt=2).delete()
    Head.objects.update(last_position=2, last_digest=last.digest)

    write(3)
    write(1)

    assert Entry.objects.filter(position=None).count() == 0
    fault = verify()[1]
    assert fault is not None
    assert fault.message == "The head of the log was altered."


def test_what_was_made_older_than_it_is_is_not_deleted() -> None:
    """By cleaning, which would leave a beginning that is vouched for and no trace."""
    write(3)
    Entry.objects.update(at=timezone.now() - timedelta(days=400))

    assert not clean_some()

    assert Entry.objects.count() == 3
    fault = verify()[1]
    assert fault is not None
    assert fault.position == 1


def test_nothing_is_deleted_by_an_altered_head() -> None:
    Entry.objects.bulk_create(
        [Entry(actor="alice", action=Action.ADDED, at=timezone.now() - timedelta(days=400)) for _ in range(3)]
    )
    write(1)
    move_the_beginning()

    assert not clean_some()

    assert Entry.objects.count() == 3
