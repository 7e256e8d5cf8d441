"""`docs/api.md`: its walk-through works as it is printed, and it names all that there is to choose."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from api.auth.scopes import SCOPES
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.models import DevinSync, SyncRun
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "api.md").read_text()
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the commands of the guide find a database file")
@pytest.mark.skipif(not shutil.which("curl"), reason="There is no curl on this machine.")
@pytest.mark.usefixtures("worker")
def test_the_walk_through_works_as_printed(
    live_server: LiveServer, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    User.objects.create_superuser("admin")
    script = "set -euo pipefail\n" + "\n".join(BLOCK.findall(GUIDE)).replace(".venv/bin/python", sys.executable)

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            "DEVINSYNC": live_server.url,
            "DEVIN_URL": sandbox.url,
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "{'create': 2, 'replace': 0, 'delete': 0, 'keep': 0}" in done.stdout
    assert "STORE_DB_HOST" in done.stdout
    assert "'created': 2" in done.stdout
    assert done.stdout.rstrip().endswith("succeeded")
    assert {entry.key for entry in sandbox.log.requests("POST")} == {"SHOP_DB_HOST", "SHOP_DB_URL"}
    assert organization.values() == {}
    assert not DevinSync.objects.exists()
    assert SyncRun.objects.count() == 2


def test_names_every_scope() -> None:
    assert [scope for scope in SCOPES if f"`{scope}`" not in GUIDE] == []


def test_names_every_route_of_ours() -> None:
    routes = ("/plan", "?plan=true", "/runs", "/cancel", "/sync-control", "/usage", "check-conflicts", "?wait")
    for path in (*routes, "Idempotency-Key"):
        assert path in GUIDE
