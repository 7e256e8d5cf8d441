"""After a transactional test the database is as before it, whatever the test did."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import TransactionTestCase

from accounts.roles import BUILT_IN_GROUPS
from tests import flushing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


class Case(TransactionTestCase):
    def leave(self) -> None:
        self._fixture_teardown()  # type: ignore[attr-defined]


def everything() -> dict[str, Any]:
    return {table: flushing._rows_of(table) for table in flushing._tables_with_rows()}


@pytest.fixture
def before() -> dict[str, Any]:
    Case().leave()
    return everything()


def test_what_was_made_is_gone_and_what_was_deleted_is_back(before: dict[str, Any]) -> None:
    user = User.objects.create_user("somebody")
    user.groups.set(Group.objects.all())
    Permission.objects.filter(codename__contains="secret").delete()
    ContentType.objects.filter(model="user").delete()
    Group.objects.filter(name="Viewer").update(name="Reader")

    Case().leave()

    assert everything() == before
    assert {name for _, name in before["auth_group"]} == set(BUILT_IN_GROUPS)


def test_what_nobody_changed_is_not_written(before: dict[str, Any]) -> None:
    User.objects.create_user("somebody")
    written: list[str] = []

    def note(execute: Any, sql: str, *call: Any) -> Any:
        written.extend([sql] if sql.startswith(("DELETE", "INSERT", "TRUNCATE")) else [])
        return execute(sql, *call)

    with connection.execute_wrapper(note):
        Case().leave()

    assert written == ['DELETE FROM "auth_user"']


def test_where_a_table_is_gone_django_says_so(before: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(flushing, "_flush", told.append)
    monkeypatch.setitem(flushing._left, "no_such_table", [])

    Case().leave()

    assert len(told) == 1
    assert everything() == before
