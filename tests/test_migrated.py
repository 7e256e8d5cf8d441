"""What the processes of a test run share is made by one of them, whole."""

from pathlib import Path

import pytest
from django.db import connection

from tests.migrated import TEMPLATE, once


def test_is_made_once(tmp_path: Path) -> None:
    made: list[str] = []

    for process in ("first", "second"):
        once(tmp_path, "thing", lambda process=process: made.append(process))  # type: ignore[misc]

    assert made == ["first"]


def test_what_failed_is_made_by_the_next(tmp_path: Path) -> None:
    made: list[str] = []

    with pytest.raises(ZeroDivisionError):
        once(tmp_path, "thing", lambda: 1 // 0)
    once(tmp_path, "thing", lambda: made.append("second"))

    assert made == ["second"]


@pytest.mark.postgresql
@pytest.mark.django_db
def test_no_process_works_on_the_original(django_db_setup: Path | None) -> None:
    name = str(connection.settings_dict["NAME"])

    assert name not in (str(django_db_setup), TEMPLATE)
    assert django_db_setup is None or Path(name).parent == django_db_setup.parent
