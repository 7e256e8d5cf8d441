"""Environments with what others made and tests use, each of its own below `.venv/clients`, never in ours.

What an environment holds is locked in a folder, hashes and all, so that it is the same in years. The first test that
asks for it installs it, and again when its lock has changed. What cannot be installed fails its tests: what is skipped
proves nothing. Only where there is no Node, or no release for this Python, it is left out.
"""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.launcher.package_index import pins

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def environment_of(name: str) -> Iterator[Path]:
    """The folder of an environment, for one process at a time."""
    folder = ROOT / ".venv" / "clients" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def run(*command: object, cwd: Path) -> str:
    """What a program prints; one that fails fails the test, with what it says."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def python_with(lock: Path) -> Path:
    """A Python that has what the `requirements.txt` of this folder pins."""
    [pin] = pins(lock / "requirements.in")
    if pin.marker and not pin.marker.evaluate():
        pytest.skip(f"Its maker built {pin.name} for no such Python.")
    with environment_of(lock.name) as folder:
        run(sys.executable, "-m", "launcher.install", "--venv", folder, lock / "requirements.txt", cwd=ROOT)
    return folder / "bin" / "python"


def node_with(lock: Path) -> Path:
    """A folder from which Node finds what the `package-lock.json` of this one pins."""
    if not shutil.which("npm"):
        pytest.skip("There is no npm on this machine.")
    with environment_of(lock.name) as folder:
        wanted, installed = (lock / "package-lock.json").read_text(), folder / "installed.json"
        if not installed.exists() or installed.read_text() != wanted:
            for file in lock.iterdir():
                shutil.copy(file, folder)
            run("npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
            installed.write_text(wanted)
    return folder
