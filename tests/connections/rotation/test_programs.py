"""A real scheduler is killed by SIGKILL at each request of a rotation, before it is carried out and after: a key works
each time, and the next scheduler comes to the end."""

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.utils import timezone

from connections.models import Connection
from connections.rotation.asking import ask
from connections.rotation.models import KeyRotation, Outcome, Step, Trigger
from syncs.models import DevinSync
from tests.actors import ANYBODY
from tests.connections.rotation.conftest import OLD, ORGANIZATIONS, Bench
from tests.killed_programs import Programs
from tests.patience import wait_until
from tests.syncs.torture.theatre import wait_for_quiet
from vault.editing import create_environment, create_project
from vault.models import Folder

pytestmark = [pytest.mark.torture, pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
MOST_REQUESTS = 40


@pytest.fixture
def programs(queue_server: str, tmp_path: Path) -> Iterator[Programs]:
    redis.Redis.from_url(queue_server).flushall()
    programs = Programs(tmp_path, SCHEDULER_TICK_SECONDS="0.2", REDIS_URL=queue_server)
    yield programs
    programs.end()


@pytest.fixture
def folder(db: None) -> Folder:
    project = create_project(name="Shop", slug="shop", environments=(), by=ANYBODY)
    environment = create_environment(project, name="Development", slug="dev", by=ANYBODY)
    return Folder.objects.get(environment=environment, path="/")


def use(connection: Connection, folder: Folder) -> None:
    """Syncs write to both organizations by its key, but for this test no worker carries them out."""
    place = {"project": folder.environment.project, "folder": folder, "connection": connection}
    for org_id in ORGANIZATIONS:
        DevinSync.objects.create(name=f"{connection.name}-{org_id}", org_id=org_id, auto_sync_enabled=False, **place)


def let_time_pass() -> None:
    """What is claimed by a dead one is free, and what began before a switch has ended."""
    now = timezone.now()
    KeyRotation.objects.filter(ended_at=None).update(due_at=now)
    waiting = KeyRotation.objects.filter(step__in=(Step.PROVEN, Step.RETURNED))
    waiting.update(switched_at=now - timedelta(minutes=2))


def survive(bench: Bench, programs: Programs, *, request: int, moment: str) -> bool:
    """Whether there was such a request, at which the scheduler has been killed."""
    bench.sandbox.clear_traffic()
    rule = bench.sandbox.faults.add("signal", request=request, moment=moment)
    programs.keep("scheduler")
    rotation = ask(bench.connection, trigger=Trigger.PERSON, by="ana")

    def is_over() -> bool:
        let_time_pass()
        rotation.refresh_from_db()
        return rule.reached.is_set() or rotation.is_over

    wait_until(is_over, pause=0.1)
    if was_killed := rule.reached.is_set():
        programs.wait_for_death_of("scheduler")
        wait_for_quiet(bench.sandbox)
        assert bench.used() is not None, f"no key works after a kill at request {request}, {moment}"
        KeyRotation.objects.update(claimed_until=timezone.now())
        programs.keep("scheduler")
        rule.reached.clear()
        wait_until(is_over, pause=0.1)
    used = bench.used()
    assert used is not None
    assert (rotation.outcome, bench.live()) == (Outcome.DONE, [used.key_name]), (request, moment, rotation.message)
    return was_killed


def test_a_real_scheduler_is_killed_at_each_request_of_a_rotation(
    make_bench: Callable[..., Bench], programs: Programs, folder: Folder
) -> None:
    began, kills = time.monotonic(), 0
    for request, moment in itertools.product(range(1, MOST_REQUESTS), ("before", "after")):
        name = f"acme-{request}-{moment}"
        bench = make_bench(f"{OLD}-{name}", name)
        use(bench.connection, folder)
        if not survive(bench, programs, request=request, moment=moment):
            break
        kills += 1
        DevinSync.objects.all().delete()
        KeyRotation.objects.all().delete()
        Connection.objects.all().delete()
    print(f"\na key worked after {kills} of {kills} kills, {time.monotonic() - began:.0f} s")
    assert kills > 12
