"""Lines of a release that knew no places and no changes: those it left, and those its processes write beside ours."""

import hmac
import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.chain import link_some, verify
from audit.models import Action, Entry, Form, Head
from audit.triggers import install
from audit.writing import note
from encryption import unseal

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
# What that release writes, and signs.
COLUMNS = ("actor", "action", "kind", "object_id", "name", "detail", "address", "request_id")


def write_as_before(name: str) -> Entry:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO audit_entry (at, digest, {', '.join(COLUMNS)}) VALUES (%s, '', {', '.join(['%s'] * 8)})",  # noqa: S608
            [timezone.now(), "alice", "changed", "secret", "4711", name, "Changed.", "192.0.2.7", "5"],
        )
    return Entry.objects.get(name=name)


def digest_as_before(entry: Entry, previous: str) -> str:
    head = Head.objects.get()
    key = bytes.fromhex(unseal(head.sealed_key, context=head.sealing_context()))
    line = {name: getattr(entry, name) for name in COLUMNS}
    line |= {"at": entry.at.isoformat(), "position": entry.position, "previous": previous}
    return hmac.digest(key, json.dumps(line, sort_keys=True).encode(), "sha256").hex()


def test_its_lines_keep_their_digests_and_verify_among_ours() -> None:
    write_as_before("OLD")
    note("bob", Action.CHANGED, name="NEW", project="shop")
    write_as_before("OLD_TOO")

    link_some()

    old, new, last = Entry.objects.order_by("position")
    assert [old.form, new.form, last.form] == [Form.OF_FEW, Form.OF_ALL, Form.OF_FEW]
    assert [old.digest, last.digest] == [digest_as_before(old, ""), digest_as_before(last, new.digest)]
    assert new.digest != digest_as_before(new, old.digest)
    assert verify() == (3, None)


def test_what_is_put_into_its_lines_later_is_noticed() -> None:
    write_as_before("OLD")
    link_some()

    for column, text in (("project", "shop"), ("changes", '[["comment", "", "x"]]'), ("outcome", "refused")):
        with transaction.atomic():
            Entry.objects.update(**{column: text})
            fault = verify()[1]
            transaction.set_rollback(True)
        assert fault is not None, column
        assert fault.position == 1


def test_it_links_its_own_lines_and_leaves_ours_to_us() -> None:
    install()
    link = "UPDATE audit_entry SET position = %s, digest = %s WHERE name = %s"
    write_as_before("OLD")
    note("bob", Action.CHANGED, name="NEW", project="shop")

    with connection.cursor() as cursor:
        cursor.execute(link, [1, "0" * 64, "OLD"])
        with pytest.raises(DatabaseError, match="newer code links this line"), transaction.atomic():
            cursor.execute(link, [2, "0" * 64, "NEW"])

    assert list(Entry.objects.order_by("pk").values_list("position", flat=True)) == [1, None]
