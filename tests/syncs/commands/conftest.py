"""What the command line needs beside the sync of this package's fixtures."""

import pytest

from syncs.runs import jobs


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run is carried out as soon as it is committed."""

    def ring(run_id: object, project_id: object) -> bool:
        jobs.run_sync(str(run_id))
        return True

    monkeypatch.setattr("syncs.runs.ask.ring", ring)
