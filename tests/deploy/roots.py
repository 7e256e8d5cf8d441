"""Folders that programs take for the whole machine, and programs that run in them. Needs root, and Linux."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# How this machine reaches the package indexes, as in .ci/fresh.
INDEXES = re.compile(
    r"(PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|DEFAULT_TIMEOUT|RETRIES|PROXY)|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY)"
)
AUTHORITIES = "run/authorities.pem"


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def make_debian(release: str, root: Path) -> None:
    """What Debian's images are made of, too. One that was made before is taken as it is."""
    if (root / ".made").exists():
        return
    mirror = os.environ.get("MIRROR")
    with (root.parent / f"{root.name}.log").open("wb") as log:
        subprocess.run(
            ["debootstrap", "--variant=minbase", release, str(root), *([mirror] if mirror else [])],
            stdout=log,
            stderr=log,
            check=True,
        )
    (root / ".made").touch()


def copy(root: Path, to: Path) -> Path:
    run("cp", "--archive", "--reflink=auto", str(root), str(to))
    (to / ".made").unlink(missing_ok=True)
    return to


@contextmanager
def as_machine(root: Path) -> Iterator[dict[str, str]]:
    """With what a builder lends a root for a while: devices, processes, names, the way to the package indexes."""
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    run("mount", "--rbind", "/dev", str(root / "dev"))
    shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
    try:
        yield {name: value for name, value in os.environ.items() if INDEXES.fullmatch(name)} | lend_authorities(root)
    finally:
        (root / AUTHORITIES).unlink(missing_ok=True)
        run("umount", "--recursive", str(root / "dev"), str(root / "proc"))


def lend_authorities(root: Path) -> dict[str, str]:
    given = os.environ.get("SSL_CERT_FILE")
    if not given:
        return {}
    shutil.copy(given, root / AUTHORITIES)
    return dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT"), f"/{AUTHORITIES}")


def run_in(root: Path, command: list[str], variables: Mapping[str, str], *, folder: str, user: str) -> None:
    """`user` is two numbers, as USER has it."""
    user_id, group_id = user.split(":")
    subprocess.run(
        [
            *("chroot", str(root), "setpriv", f"--reuid={user_id}", f"--regid={group_id}", "--clear-groups"),
            *("env", "--ignore-environment", f"--chdir={folder}"),
            *(f"{name}={value}" for name, value in variables.items()),
            *command,
        ],
        check=True,
    )


def size_of(root: Path) -> int:
    """In bytes on the disk. Without apt's caches, which Debian's images don't keep and a bare Debian does."""
    counted = subprocess.run(
        ["du", "--summarize", "--one-file-system", "--block-size=1", f"--exclude={root}/var/cache/apt", str(root)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(counted.stdout.split()[0])
