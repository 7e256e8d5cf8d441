"""Servers that end in the middle of a run and come back: real ones, of this test's own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, connections
from pytest_django.plugin import DjangoDbBlocker

from benchmarks.site import free_port
from launcher.processes import kill_session
from sandbox.server import Sandbox
from syncs.models import SyncRun
from tests.patience import PATIENCE, wait_until
from tests.postgresql import PostgreSQL
from tests.syncs.torture.programs import Start, start_program
from tests.syncs.torture.theatre import set_scene, wait_for_quiet

pytestmark = [pytest.mark.postgresql, pytest.mark.skipif("connection.vendor != 'postgresql'")]

# A session and a token, neither of which there is: one has to look.
SOMEBODY = {"Cookie": "sessionid=0123456789abcdef", "Authorization": f"Bearer dsa_{'a' * 12}_{'b' * 43}"}


@pytest.fixture
def postgresql(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgreSQL]:
    """A server that nobody else uses, with this test's database in it."""
    server = PostgreSQL.create()
    server.start()
    # One dictionary for the connections of all threads.
    connections.close_all()
    monkeypatch.setitem(connection.settings_dict, "NAME", "postgres")
    monkeypatch.setitem(connection.settings_dict, "HOST", str(server.data))
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "host", str(server.data))
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        yield server
        connections.close_all()
    server.remove()


@pytest.fixture
def serve(postgresql: PostgreSQL, queue_server: str, tmp_path: Path) -> Iterator[Callable[[str], HTTPResponse]]:
    """A web process on this test's database; gets what it answers at a path."""
    port = free_port()
    process = start_program("serve", log=tmp_path / "web.log", PORT=str(port), REDIS_URL=queue_server)

    def get(path: str) -> HTTPResponse:
        with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as client:
            client.request("GET", path, headers=SOMEBODY)
            answer = client.getresponse()
            answer.read()
            return answer

    wait_until(lambda: answers(get))
    yield get
    kill_session(process.pid)
    process.wait()


def answers(get: Callable[[str], HTTPResponse]) -> bool:
    try:
        return get("/readyz").status == 200
    except (OSError, HTTPException):
        return False


@pytest.mark.usefixtures("rung", "no_pause")
def test_a_run_goes_on_by_itself_when_postgresql_is_back(
    postgresql: PostgreSQL, sandbox: Sandbox, start: Start, serve: Callable[[str], HTTPResponse]
) -> None:
    scene = set_scene(sandbox)
    rule = sandbox.faults.add("hold", method="POST", org=scene.sync.org_id, skip=4)
    start("scheduler")
    start("worker")
    assert rule.reached.wait(PATIENCE)
    connections.close_all()

    postgresql.stop()
    refused = [serve(path) for path in ("/admin/", "/api/v1/secret-syncs/options", "/readyz")]
    rule.release()
    wait_for_quiet(sandbox)
    postgresql.start()

    wait_until(lambda: SyncRun.objects.get(pk=scene.run.pk).is_finished)
    assert [answer.status for answer in refused] == [503, 503, 503]
    assert [answer.getheader("Retry-After") for answer in refused] == ["5", "5", "5"]
    assert scene.problems() == []
    wait_until(lambda: serve("/readyz").status == 200)
    assert [serve(path).status for path in ("/admin/", "/api/v1/secret-syncs/options")] == [302, 401]
