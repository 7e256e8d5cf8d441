"""The benchmarks as `make bench` starts them."""

import os
import subprocess
import sys

from benchmarks.site import ROOT
from tests.patience import PATIENCE


def run(options: str) -> str:
    """What it prints. It has ended well."""
    ended = start(options)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def start(options: str) -> "subprocess.CompletedProcess[str]":
    """In an environment of its own, as `make bench` starts it, until it ends."""
    environment = {name: text for name, text in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return subprocess.run(
        (sys.executable, "-m", "benchmarks", *options.split()),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
