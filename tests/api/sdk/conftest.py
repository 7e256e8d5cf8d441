"""Infisical's official clients, each installed into an environment of its own, once, and never into ours.

A client that cannot be installed fails its tests: a walk that is skipped proves nothing.
"""

import fcntl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

PYTHON_SDK = "infisicalsdk==1.0.17"
NODE_SDK = "@infisical/sdk@5.0.2"
INSTALLING = 300


def make_environment(name: str, install: Callable[[Path], None]) -> Path:
    """A folder that outlives the test run, filled by the first run that needs it."""
    folder = Path(tempfile.gettempdir()) / f"devinsync-tests-{name.strip('@').replace('/', '-')}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            install(folder)
            (folder / "installed").touch()
    return folder


def run(*command: object, cwd: Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=INSTALLING, check=False
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    """A Python that has `infisicalsdk`."""

    def install(folder: Path) -> None:
        run(sys.executable, "-m", "venv", "venv", cwd=folder)
        run("venv/bin/python", "-m", "pip", "install", "--quiet", PYTHON_SDK, cwd=folder)

    return make_environment(PYTHON_SDK, install) / "venv" / "bin" / "python"


@pytest.fixture(scope="session")
def sdk_node() -> Path:
    """A folder from which Node finds `@infisical/sdk`."""

    def install(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}')
        run("npm", "install", "--no-audit", "--no-fund", NODE_SDK, cwd=folder)

    return make_environment(NODE_SDK, install)
