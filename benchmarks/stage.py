"""An installation on hosts of its own: PostgreSQL, Valkey and the sandbox in the hub, ours on the hosts around it.

Nothing of an installation is read or changed. `open_stage` sets the environment and loads Django, for which it goes to
the database and the queue by Unix sockets, while the hosts come over their cables.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from benchmarks.network import Host, Network
from benchmarks.site import ROOT, SECONDS_TO_START, environment, load_django
from common.database_urls import OF_SEVERAL
from common.processes import die_with_parent
from common.waiting import wait_for
from launcher.valkey import find_server
from sandbox.server import Sandbox
from tests.postgresql import PostgreSQL

# A lease and a deadline that let a round take seconds, in the proportion of the usual ones.
QUICK = {
    "SYNC_LEASE_SECONDS": "5",
    "SYNC_LEASE_RENEWAL_SECONDS": "1",
    "DEVIN_WRITE_DEADLINE_SECONDS": "2",
    "SYNC_RING_AGAIN_SECONDS": "2",
    "SCHEDULER_TICK_SECONDS": "0.2",
    "SYNC_QUIET_SECONDS": "0.2",
    "WORKER_RUNS": "4",
}
POSTGRESQL_PORT, VALKEY_PORT, SANDBOX_PORT = 5432, 6379, 8001


@dataclass
class Valkey:
    """In the hub's network, on an address and a Unix socket, with its data in a folder."""

    folder: Path
    network: Network
    _server: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def local_url(self) -> str:
        return f"unix://{self.folder / 'valkey.sock'}?db=0"

    @property
    def url(self) -> str:
        return f"redis://{self.network.address}:{VALKEY_PORT}/0"

    def start(self) -> None:
        self._server = subprocess.Popen(
            [
                *(*self.network.hub.enter_network, find_server(), "--port", str(VALKEY_PORT)),
                *("--bind", self.network.address, "--protected-mode", "no"),
                *("--unixsocket", str(self.folder / "valkey.sock"), "--dir", str(self.folder)),
                *("--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - one call of the system
        )
        if not wait_for(self.answers, seconds=SECONDS_TO_START):
            raise RuntimeError("Valkey did not start.")

    def answers(self) -> bool:
        import redis

        try:
            return bool(redis.Redis.from_url(self.local_url).ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        import redis

        redis.Redis.from_url(self.local_url).flushall()

    def stop(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()


@dataclass
class Stage:
    folder: Path
    network: Network
    servers: list[PostgreSQL]
    valkey: Valkey
    sandbox: Sandbox
    variables: dict[str, str] = field(repr=False)

    @property
    def postgresql(self) -> PostgreSQL:
        """The one that writes, unless its standby was promoted."""
        return self.servers[0]

    def start_postgresql(self) -> None:
        self.postgresql.start(self.network.hub.enter_network)

    def add_standby(self) -> None:
        """Each commit waits for it; programs that are started from here on know both addresses."""
        from django.db import connection, connections

        # It looks every so often whether the first server is back, and commits wait for it.
        quick = {"listen_addresses": self.network.second_address, "wal_retrieve_retry_interval": "500ms"}
        standby = self.postgresql.make_standby(**quick)
        self.servers.append(standby)
        standby.start(self.network.hub.enter_network)
        self.postgresql.wait_for_standby()
        connections.close_all()
        both = f"{self.postgresql.data},{standby.data}"
        connection.settings_dict["OPTIONS"] |= {**OF_SEVERAL, "host": both}

    def fail_over(self) -> None:
        """The first server has ended."""
        self.servers[1].promote()

    @property
    def database_url(self) -> str:
        addresses = (self.network.address, self.network.second_address)[: len(self.servers)]
        places = ",".join(f"{address}:{POSTGRESQL_PORT}" for address in addresses)
        return f"postgresql://postgres@{places}/postgres"

    def start(self, host: Host, *command: str, name: str = "", **more: str) -> Path:
        """A management command on a host; where its log is."""
        log = self.folder / f"{name or command[0]}-{host.number}.log"
        where = {"DATABASE_URL": self.database_url, "REDIS_URL": self.valkey.url}
        variables = {**os.environ, **self.variables, **where, **more}
        host.start(sys.executable, str(ROOT / "manage.py"), *command, log=log, environment=variables)
        return log


@contextmanager
def open_stage(**variables: str) -> Iterator[Stage]:
    """`variables` are for the programs on the hosts, and for this one."""
    folder = Path(tempfile.mkdtemp(prefix="devinsync-hosts-"))
    with Network() as network:
        postgresql = PostgreSQL.create(listen_addresses=network.address, port=str(POSTGRESQL_PORT))
        servers = [postgresql]
        valkey = Valkey(folder, network)
        try:
            with (postgresql.data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {network.address}/24 trust\n")
            postgresql.start(network.hub.enter_network)
            valkey.start()
            with network.hub.sockets():
                sandbox = Sandbox(host=network.address, port=SANDBOX_PORT)
                sandbox.start()
            local = environment(folder, valkey.local_url, f"{postgresql.url}&port={POSTGRESQL_PORT}") | variables
            os.environ |= local
            load_django()
            yield Stage(folder, network, servers, valkey, sandbox, local)
        finally:
            from django.db import connections

            connections.close_all()
            valkey.stop()
            for server in servers:
                server.remove()
            rmtree(folder, ignore_errors=True)
