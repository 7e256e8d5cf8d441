"""What is asked of a run: typed, so that a misspelt word of a person is an error and never lost."""

from typing import Any

import pytest

from syncs.choices import Trigger
from syncs.models import DevinSync
from syncs.runs.ask import request_run
from syncs.runs.wishes import NO_WISHES, Wishes


def test_a_misspelt_wish_is_an_error_for_a_new_run_and_for_one_that_waits(sync: DevinSync) -> None:
    request_run(sync, trigger=Trigger.MANUAL)

    # That mypy needs to be told to ignore it is the other half of this test.
    with pytest.raises(TypeError):
        Wishes(confirm_any_deletions=True)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        request_run(sync, trigger=Trigger.MANUAL, confirms_any_deletion=True)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "asked",
    [
        {"confirmed_deletions": ["id-1"]},
        {"confirmed_deletions": []},
        {"confirms_any_deletion": True},
        {"accepts_rollback": True},
        {"repushes_all": True},
        {"removes_sync": True},
    ],
    ids=str,
)
def test_each_wish_reaches_a_new_run_and_one_that_waits(sync: DevinSync, asked: dict[str, Any]) -> None:
    new = request_run(sync, trigger=Trigger.MANUAL, wishes=Wishes(**asked))
    new.refresh_from_db()
    assert Wishes.of(new) == Wishes(**asked)
    new.delete()

    waiting = request_run(sync, trigger=Trigger.CHANGE)
    request_run(sync, trigger=Trigger.MANUAL, wishes=Wishes(**asked))
    request_run(sync, trigger=Trigger.CHANGE)

    waiting.refresh_from_db()
    assert Wishes.of(waiting).said() == asked


def test_nothing_is_asked_unless_it_is_said() -> None:
    assert NO_WISHES.said() == {}
    assert Wishes(confirmed_deletions=[]).said() == {"confirmed_deletions": []}
