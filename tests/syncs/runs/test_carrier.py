"""What one run may do to the others of its process: nothing, and what that process does when it must end."""

import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from redis.exceptions import ConnectionError as QueueIsAway

from syncs.runs import carrier as carriers
from syncs.runs.bells import Bells
from syncs.runs.carrier import Carrier
from syncs.runs.jobs import InternalError
from tests.patience import PATIENCE, wait_until


class Ringing(Bells):
    """Rings for these runs, in order, then no more."""

    def __init__(self, *run_ids: UUID | Exception) -> None:
        self.left = list(run_ids)
        self.is_gone = False

    def next(self, seconds: float) -> UUID | None:
        if not self.left:
            return None
        found = self.left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def show_alive(self) -> None:
        pass

    def show_gone(self) -> None:
        self.is_gone = True


def ids(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]


def test_carries_out_every_run_that_is_rung_for() -> None:
    run_ids, carried = ids(20), list[str]()

    Carrier(Ringing(*run_ids), runs_at_once=3, carry_out=carried.append).work(burst=True)

    assert sorted(carried) == sorted(map(str, run_ids))


def test_gives_a_sign_of_life(tmp_path: Path, settings: LazySettings) -> None:
    settings.LIFE_SIGN = str(tmp_path / "alive")

    Carrier(Ringing(), carry_out=list[str]().append).work(burst=True)

    assert (tmp_path / "alive").read_text().startswith("worker ")


def test_a_bug_in_one_run_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    run_ids, carried = ids(6), list[str]()

    def carry_out(run_id: str) -> None:
        if run_id == str(run_ids[0]):
            raise RuntimeError("canary-value")
        if run_id == str(run_ids[1]):
            raise InternalError("logged already")
        carried.append(run_id)

    Carrier(Ringing(*run_ids), runs_at_once=1, carry_out=carry_out).work(burst=True)

    assert carried == [str(run_id) for run_id in run_ids[2:]]
    assert f"run {run_ids[0]} was left by RuntimeError at" in caplog.text
    assert "canary-value" not in caplog.text


def test_a_long_run_holds_up_no_short_ones() -> None:
    """It takes one thread of several, however many secrets it has: all that were rung for after it end before it."""
    long, *short = ids(201)
    ended, all_short = list[str](), threading.Event()

    def carry_out(run_id: str) -> None:
        if run_id == str(long):
            assert all_short.wait(PATIENCE)
        ended.append(run_id)
        if len(ended) == len(short):
            all_short.set()

    Carrier(Ringing(long, *short), runs_at_once=2, carry_out=carry_out).work(burst=True)

    assert ended == [*map(str, short), str(long)]


def test_a_second_bell_for_a_run_under_way_is_not_heard() -> None:
    (run_id,), carried, release = ids(1), list[str](), threading.Event()

    def carry_out(run_id: str) -> None:
        carried.append(run_id)
        release.wait(PATIENCE)

    bells = Ringing(run_id, run_id, run_id)
    worker = Carrier(bells, runs_at_once=4, carry_out=carry_out)
    thread = threading.Thread(target=worker.work, kwargs={"burst": True})
    thread.start()
    wait_until(lambda: not bells.left)
    release.set()
    thread.join()

    assert carried == [str(run_id)]


def test_goes_on_when_the_queue_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "QUEUE_AWAY", 0.0)
    (run_id,), carried = ids(1), list[str]()
    bells = Ringing(QueueIsAway("refused"), OSError("no such socket"), run_id)
    worker = Carrier(bells, carry_out=carried.append)
    thread = threading.Thread(target=worker.work)
    thread.start()
    wait_until(lambda: carried != [])
    worker.stop()
    thread.join(PATIENCE)

    assert carried == [str(run_id)]


def test_starts_anew_once_it_has_grown_too_large(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    settings.WORKER_MEMORY_MB = 100
    monkeypatch.setattr(carriers, "memory_in_use", lambda: 101 * 1024 * 1024)
    bells = Ringing(*ids(1))

    Carrier(bells).work()

    assert len(bells.left) == 1
    assert bells.is_gone


def test_does_not_wait_for_a_run_that_hangs(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    run_ids, release = ids(2), threading.Event()
    started: list[str] = []

    def carry_out(run_id: str) -> None:
        started.append(run_id)
        release.wait(PATIENCE)

    worker = Carrier(Ringing(*run_ids), runs_at_once=2, carry_out=carry_out)
    thread = threading.Thread(target=worker.work)
    thread.start()
    wait_until(lambda: len(started) == 2)
    settings.SYNC_LONGEST_RUN *= 0
    monkeypatch.setattr(carriers, "HUNG", -1.0)
    thread.join(PATIENCE)

    assert not thread.is_alive()
    release.set()
