"""Faults on our own side: those that pass are tried again, those that do not are called by their name."""

from typing import Any

import pytest
from django.db import OperationalError

from sandbox.organization import Organization as SandboxOrganization
from syncs.choices import Status, Trigger
from syncs.engine.ledger import Ledger
from syncs.runs import jobs
from syncs.runs.ask import request_run
from syncs.runs.claim import claim
from tests.actors import ANYBODY
from tests.syncs.conftest import Bench
from vault.editing import delete_folder
from vault.errors import Unreadable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]


def test_a_database_that_fails_for_a_moment_does_not_end_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, organization: SandboxOrganization
) -> None:
    bench.source(A="1")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("deadlock detected")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", fail)
        run = bench.run()

    assert run.status == Status.PENDING
    assert "database" in run.message
    bench.carry_out(run)
    assert (run.status, organization.values()) == (Status.SUCCEEDED, {"A": "1"})


def test_a_source_that_would_not_hold_still_is_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.source(A="1")

    def change(*args: Any, **kwargs: Any) -> None:
        raise Unreadable("dev:/my-secrets was changed again and again while it was read.", retryable=True)

    with monkeypatch.context() as patch:
        patch.setattr("vault.reading.read_secrets", change)
        run = bench.run()

    assert run.status == Status.PENDING


def test_a_source_that_goes_while_the_run_starts_is_called_gone(bench: Bench) -> None:
    bench.source(A="1")
    run = request_run(bench.sync, trigger=Trigger.MANUAL)
    claimed = claim(run.pk)
    assert claimed is not None
    delete_folder(bench.folder, by=ANYBODY)

    with claimed[1] as lease:
        jobs.attempt(claimed[0], lease)

    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "internal error" not in run.message
    assert "my-secrets" in run.message
