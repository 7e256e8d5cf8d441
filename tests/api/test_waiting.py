"""Waiting for a run holds a thread of the web process: some of them, never all."""

import threading
from collections.abc import Iterator

import pytest
from django.conf import settings

from api.http import waiting
from syncs.choices import Trigger
from syncs.models import DevinSync, SyncRun
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db
SYNC_SECRETS = "/api/v1/secret-syncs/devin/{}/sync-secrets?wait=60"


@pytest.fixture
def all_taken() -> Iterator[None]:
    count = 0
    while waiting.slots.acquire(blocking=False):
        count += 1
    assert count == settings.WEB_THREADS // 2
    yield
    for _ in range(count):
        waiting.slots.release()


@pytest.mark.usefixtures("all_taken")
def test_one_too_many_is_answered_at_once(operator: Caller, sync: DevinSync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.waiting.time.sleep", lambda seconds: pytest.fail("it waited"))

    answer = operator.post(SYNC_SECRETS.format(sync.pk))

    assert answer["secretSync"]["syncStatus"] == "pending"


def test_a_slot_is_given_back_even_after_an_error(sync: DevinSync, monkeypatch: pytest.MonkeyPatch) -> None:
    run = SyncRun.objects.create(sync=sync, sync_name=sync.name, org_id=sync.org_id, trigger=Trigger.API)
    free = threading.BoundedSemaphore(1)
    monkeypatch.setattr(waiting, "slots", free)

    waiting.wait_for(run.pk, 0)
    monkeypatch.setattr(waiting, "wait_for_end", lambda run_id, seconds: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        waiting.wait_for(run.pk, 0)

    assert free.acquire(blocking=False)
