"""What the command line needs: the sync of this package's fixtures, and a way to call commands."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from syncs.runs import jobs

Manage = Callable[..., str]


@pytest.fixture
def manage() -> Manage:
    """Calls a command and answers what it printed."""

    def call(*arguments: str, **options: Any) -> str:
        out = io.StringIO()
        call_command(*arguments, stdout=out, **options)
        return out.getvalue()

    return call


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run is carried out as soon as it is committed."""

    def ring(run_id: object) -> bool:
        jobs.run_sync(str(run_id))
        return True

    monkeypatch.setattr("syncs.runs.ask.ring", ring)
