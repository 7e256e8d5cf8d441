"""What a worker's processes count is among the totals once they have ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from django.conf import settings

from metrics.totals import read_totals
from syncs.choices import Status, Trigger
from syncs.models import SyncRun
from syncs.runs.ask import request_run
from syncs.runs.queue import ring
from tests.linux import needs_proc
from tests.metrics.conftest import Scrape
from tests.syncs.conftest import Bench
from tests.syncs.torture.programs import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql, needs_proc]


def work_until_all_is_done(queue_url: str, log: Path) -> None:
    environment = os.environ | {"REDIS_URL": queue_url, "DATABASE_URL": database_url()}
    command = [sys.executable, "manage.py", "worker", "--burst"]
    with log.open("ab") as lines:
        subprocess.run(command, cwd=settings.BASE_DIR, env=environment, stdout=lines, stderr=lines, check=True)


def test_two_workers_one_after_the_other_add_up(
    bench: Bench, scrape: Scrape, queue_server: str, tmp_path: Path
) -> None:
    redis.Redis.from_url(queue_server).flushall()
    bench.source(A="1")
    for _ in range(2):
        run = request_run(bench.sync, trigger=Trigger.MANUAL)
        SyncRun.objects.filter(pk=run.pk).update(not_before=None)
        ring(run.pk)
        work_until_all_is_done(queue_server, tmp_path / "worker.log")
        run.refresh_from_db()
        assert run.status == Status.SUCCEEDED

    seen = scrape()

    assert seen("devinsync_runs_total", operation="sync", outcome="succeeded") == 2
    assert seen("devinsync_changes_total", result="created") == 1
    assert ("devinsync_requests_total", (("app", "devin"), ("status", "200"))) in read_totals()
