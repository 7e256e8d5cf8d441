"""`manage.py worker`: takes runs from the queue until told to stop."""

import gc
import os
from typing import Any

import django_rq
from django.core.management.base import BaseCommand
from django.db import connections
from rq.serializers import JSONSerializer

from encryption.checks import require_known_keys
from syncs.runs import jobs  # noqa: F401 - imported here once, not by the fork of each run
from syncs.runs.queue import QUEUE, SyncJob, SyncWorker


class Command(BaseCommand):
    help = "Carries out runs. Start as many as you like; an organization has one run at a time."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--burst", action="store_true", help="Stop when the queue is empty.")

    def handle(self, *args: Any, **options: Any) -> None:
        require_known_keys()
        queue = django_rq.get_queue(QUEUE)
        worker = SyncWorker(
            [queue],
            connection=queue.connection,
            job_class=SyncJob,
            serializer=JSONSerializer,
            name=f"worker-{os.getpid()}-{os.urandom(4).hex()}",
            worker_ttl=45,
            maintenance_interval=60,
            log_job_description=False,
            default_result_ttl=0,
        )
        # The work-horse is a fork: it must open connections of its own.
        connections.close_all()
        # What is loaded now stays: the fork need not look through it for garbage, nor copy it by doing so.
        gc.freeze()
        worker.work(burst=options["burst"], logging_level="WARNING", with_scheduler=False)
