"""The benchmarks as `make bench` starts them."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.site import ROOT
from tests.patience import PATIENCE


def run(options: str, migrated: Path | None) -> str:
    """What it prints. It has ended well."""
    ended = start(options, migrated)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def start(options: str, migrated: Path | None) -> "subprocess.CompletedProcess[str]":
    """In an environment of its own, as `make bench` starts it, until it ends; on a copy of this database."""
    environment = {name: text for name, text in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    with tempfile.TemporaryDirectory() as folder:
        database = f"--database=sqlite:///{shutil.copy(migrated, folder)}" if migrated else ""
        return subprocess.run(
            (sys.executable, "-m", "benchmarks", *options.split(), *database.split()),
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
