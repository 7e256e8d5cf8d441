"""PostgreSQL over TLS, by what DATABASE_URL says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from sandbox.certificates import self_signed_certificate
from tests.postgresql import PostgreSQL

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    print("encrypted" if cursor.fetchone()[0] else "plain")
"""
# An address of this process alone, so that the usual port is free.
ADDRESS = f"127.83.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Other systems have one loopback address.")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed_certificate(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def server(authority: Path) -> Iterator[PostgreSQL]:
    started = PostgreSQL.create(listen_addresses=ADDRESS)
    try:
        pem = started.folder / "server.pem"
        shutil.copy(authority, pem)
        pem.chmod(0o600)
        os.chown(pem, started.owner.uid, started.owner.gid)
        started.settings |= {"ssl": "on", "ssl_cert_file": str(pem), "ssl_key_file": str(pem)}
        started.start()
        yield started
    finally:
        started.remove()


def ask(**options: str | Path) -> "subprocess.CompletedProcess[str]":
    query = urlencode({"hostaddr": ADDRESS, **options})
    url = f"postgresql://postgres@localhost/postgres?{query}"
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_server_proves_its_name_and_all_is_encrypted(server: PostgreSQL, authority: Path) -> None:
    asked = ask(sslmode="verify-full", sslrootcert=authority)

    assert (asked.stdout, asked.returncode) == ("encrypted\n", 0), asked.stderr


def test_a_server_of_another_authority_is_told_nothing(server: PostgreSQL, tmp_path: Path) -> None:
    asked = ask(sslmode="verify-full", sslrootcert=self_signed_certificate(tmp_path))

    assert asked.stdout == ""
    assert "certificate verify failed" in asked.stderr
