"""What migrating makes of rows that are there: a person's choices stay as they are."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
BEFORE = [("syncs", "0004_agreed_addresses")]


def migrate(targets: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)


@pytest.mark.parametrize(
    ("guard", "only_managed", "expected"),
    [
        (10, False, (25, 30, 3, "delete")),
        (10, True, (25, 30, 3, "leave")),
        (5, False, (5, 30, 3, "delete")),
        (0, True, (0, 30, 3, "leave")),
        (1000, False, (1000, 30, 3, "delete")),
    ],
)
def test_keeps_the_guard_that_a_person_set_and_what_became_of_strangers(
    bench: Bench, guard: int, only_managed: bool, expected: tuple[int, int, int, str]
) -> None:
    latest = [leaf for leaf in MigrationExecutor(connection).loader.graph.leaf_nodes() if leaf[0] == "syncs"]
    migrate(BEFORE)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE syncs_devinsync SET guard_max_deletions = %s, only_delete_managed = %s", [guard, only_managed]
            )
    finally:
        migrate(latest)

    bench.sync.refresh_from_db()
    sync = bench.sync
    found = (sync.guard_max_deletions, sync.guard_max_percent, sync.guard_min_deletions, sync.strangers)
    assert found == expected
