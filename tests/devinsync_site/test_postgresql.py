"""PostgreSQL behind PgBouncer, and with few connections."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from common.database_faults import OF_POSTGRESQL
from devinsync_site.postgresql import OF_THE_SERVER
from tests.patience import wait_until
from tests.postgresql import choose_owner

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.skipif("connection.vendor != 'postgresql'"),
]
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import django; django.setup(); from syncs.models import SyncControl; print(SyncControl.get().pk)"


def run(database_url: str, program: str = PROGRAM, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.settings"} | variables
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_connection_ends_what_sleeps_and_what_waits() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("20s",)


def test_both_ends_of_a_connection_notice_a_host_that_is_gone() -> None:
    """Over a socket of the machine the server shows none of it, so it is read from what it was told."""
    told = {name: int(text.rstrip("s")) for name, text in OF_THE_SERVER.items() if name.startswith("tcp_")}
    asked = connection.get_connection_params()

    idle, every, times = (told[f"tcp_keepalives_{name}"] for name in ("idle", "interval", "count"))
    assert idle + every * times < settings.SYNC_LEASE.total_seconds()
    assert told["tcp_user_timeout"] < settings.SYNC_LEASE.total_seconds()
    assert [asked[f"keepalives_{name}"] for name in ("idle", "interval", "count")] == [idle, every, times]
    assert asked["tcp_user_timeout"] == told["tcp_user_timeout"] * 1000
    assert 0 < asked["connect_timeout"] < settings.SYNC_LEASE.total_seconds()


@pytest.fixture
def pgbouncer(tmp_path: Path) -> Iterator[str]:
    """The URL of this test's database behind a PgBouncer in transaction mode."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed here.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = connection.settings_dict
    host = database["HOST"] or database["OPTIONS"]["host"]
    owner = choose_owner()
    folder = Path("/tmp") / f"devinsync-pgbouncer-{os.getpid()}"  # noqa: S108 - its user must reach it
    folder.mkdir(mode=0o755)
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n* = host={host} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"auth_file = {folder / 'users'}\npool_mode = transaction\ndefault_pool_size = 3\n"
    )
    server = subprocess.Popen(
        [program, folder / "ini"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **owner.as_options()
    )
    wait_until(lambda: listens(port))
    yield f"postgresql://postgres:x@127.0.0.1:{port}/{database['NAME']}"
    server.terminate()
    server.wait()
    shutil.rmtree(folder)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_works_behind_pgbouncer(pgbouncer: str) -> None:
    ended = run(pgbouncer)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "1\n"


THREADS = """
import django, threading; django.setup()
from django.db import connection, transaction
from syncs.models import SyncControl
SyncControl.get()
def ask(): SyncControl.get(); connection.close()
threads = [threading.Thread(target=ask) for _ in range(12)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pooled'")
    print(cursor.fetchone()[0])
connection.close(); connection.close_pool()
"""


def test_a_process_holds_no_more_connections_than_its_pool() -> None:
    database = connection.settings_dict
    host = database["HOST"] or database["OPTIONS"]["host"]
    url = f"postgresql://postgres:@/{database['NAME']}?host={host}&application_name=pooled"

    ended = run(url, THREADS, DATABASE_POOL="2")

    assert ended.returncode == 0, ended.stderr
    assert 1 <= int(ended.stdout) <= 2


GUEST = """
import django; django.setup()
from django.db import OperationalError, connection
from common.database_faults import describe, is_database_fault
try:
    connection.ensure_connection()
except OperationalError as error:
    print(is_database_fault(error), describe(error))
"""


@pytest.fixture
def guest() -> Iterator[str]:
    """The address of the database for one whom the server lets in no more often than never."""
    with connection.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS guest")
        cursor.execute("CREATE ROLE guest LOGIN CONNECTION LIMIT 0")
    host = connection.settings_dict["HOST"] or connection.settings_dict["OPTIONS"]["host"]
    yield f"postgresql://guest@/{connection.settings_dict['NAME']}?host={host}"
    with connection.cursor() as cursor:
        cursor.execute("DROP ROLE guest")


def test_whom_the_server_has_no_connection_for_is_told_so(guest: str) -> None:
    ended = run(guest, GUEST)

    assert ended.stdout.strip() == f"True {OF_POSTGRESQL['53300']}", ended.stderr
