"""Debian's PostgreSQL and Valkey in place of the images that compose.yaml names, which only a registry has.

What of their images our compose.yaml relies on is done here in a few lines: PostgreSQL's makes the database by the
variables that it is given.
"""

import re
import shutil
from pathlib import Path

from tests.deploy.building import Builder, Image
from tests.deploy.compose import COMPOSE, Service
from tests.deploy.dockerfile import read_stages
from tests.deploy.roots import as_machine, copy, run_in

INSTALL = "apt-get update -qq && apt-get install -y -qq --no-install-recommends {} >/dev/null"
POSTGRES = """set -e
umask 077
cd /var/lib/postgresql/data
if [ ! -e PG_VERSION ]; then
  initdb -D . --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth scram-sha-256 $POSTGRES_INITDB_ARGS
  echo "CREATE DATABASE \\"$POSTGRES_DB\\";" | postgres --single -D . postgres
  echo "host all all all scram-sha-256" >> pg_hba.conf
fi
exec postgres -D . -c listen_addresses='*' -c fsync=off
"""


def make_stores(builder: Builder, services: dict[str, Service]) -> dict[str, Image]:
    """By service."""
    root = copy(builder.debian(read_stages()[0].base), builder.work / "stores")
    version = re.match(r"postgres:(\d+)", services["postgres"].given["image"])
    assert version is not None
    packages = INSTALL.format(f"postgresql-{version[1]} valkey-server valkey-tools docker-compose")
    path = f"/usr/lib/postgresql/{version[1]}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    with as_machine(root) as lent:
        run_in(
            root,
            ["sh", "-c", packages],
            lent | {"PATH": path, "DEBIAN_FRONTEND": "noninteractive"},
            folder="/",
            user="0:0",
        )
        for folder, owner in (("var/lib/postgresql/data", "postgres"), ("data", "valkey")):
            Path(root / folder).mkdir(exist_ok=True)
            run_in(root, ["chown", f"{owner}:{owner}", f"/{folder}"], {"PATH": path}, folder="/", user="0:0")
        shutil.copy(COMPOSE, root)
        # Compose itself has to find it right; no engine is needed for that.
        run_in(
            root,
            ["docker-compose", "--file", f"/{COMPOSE.name}", "config", "--quiet"],
            {"PATH": path},
            folder="/",
            user="0:0",
        )
    return {
        "postgres": Image(root, {"PATH": path}, command=["sh", "-c", POSTGRES]),
        "valkey": Image(root, {"PATH": path}),
    }
