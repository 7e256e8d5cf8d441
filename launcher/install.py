"""Creates `.venv`, or the environment that it is told, and installs requirements files into it, unless that was done.

Run by the Makefile with the machine's own Python, so it imports nothing but the standard library.

The files pin every package by hash, so an installer has nothing to decide. It is told so, because those that do decide
differ: pip before 23.3 takes the newest release of a package that is asked for with an extra, whatever the file pins,
and a package that is built brings tools that no hash names.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PROBE = "import importlib.util, sys; print(sys.version_info[1], int(bool(importlib.util.find_spec('pip'))))"
NOTHING_TO_DECIDE = ("--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:")
# What a person's settings may say of other projects. Where to find packages is theirs to say, and is kept.
OVERRIDDEN = {"PIP_CONSTRAINT": os.devnull, "PIP_USER": "0"}
IGNORED = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE_NEWER")


class InstallError(Exception):
    """The message is one line that says what is wrong and what to do."""


def install(requirements: str, venv: Path, target: str | None = None) -> None:
    installer = prepared_installer(venv)
    stamp = venv / f"{Path(requirements).name}.installed"
    wanted = f"{hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()} on Python 3.{probed(venv)[0]}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"Installing {requirements} into {target or venv.name}", flush=True)
    run_installer(installer, venv, *NOTHING_TO_DECIDE, *(("--target", target) if target else ()), "-r", requirements)
    stamp.write_text(wanted)


def prepared_installer(venv: Path) -> str:
    """Either pip or uv, with an environment that it can install into."""
    installer = chosen_installer()
    minor_version, has_pip = probed(venv)
    if minor_version < 11 or (installer == "pip" and not has_pip):
        create_venv(installer, venv)
    return installer


def chosen_installer() -> str:
    """INSTALLER; else pip, or uv where there is no pip and nothing to bring it."""
    wanted = os.environ.get("INSTALLER") or ("pip" if can_bring_pip() or not shutil.which("uv") else "uv")
    if wanted not in ("pip", "uv"):
        raise InstallError(f"INSTALLER is {wanted}, but this knows pip and uv only.")
    if wanted == "uv" and not shutil.which("uv"):
        raise InstallError(
            "INSTALLER is uv, but there is no uv on PATH. Install it, or leave INSTALLER out to use pip."
        )
    return wanted


def can_bring_pip() -> bool:
    return bool(importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"))


def python_of(venv: Path) -> Path:
    return venv / "bin" / "python"


def probed(venv: Path) -> tuple[int, bool]:
    """The minor version of the environment's Python, 0 if it doesn't run, and whether it has pip."""
    try:
        ended = subprocess.run([python_of(venv), "-I", "-c", PROBE], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0, False
    minor_version, has_pip = ended.stdout.split()
    return int(minor_version), has_pip == "1"


def create_venv(installer: str, venv: Path) -> None:
    if installer == "pip" and not can_bring_pip():
        raise InstallError(
            f"{sys.executable} has no venv module. Install it (on Debian and Ubuntu: apt-get install python3-venv) "
            "and run this again."
        )
    print(f"Creating {venv.name}", flush=True)
    with_uv = ["uv", "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable]
    command = with_uv if installer == "uv" else [sys.executable, "-m", "venv", "--clear"]
    ended = subprocess.run([*command, str(venv)], env=environment(), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise InstallError(f"Could not create {venv}: {last_line(ended.stderr + ended.stdout)}")


def run_installer(installer: str, venv: Path, *arguments: str) -> None:
    python = str(python_of(venv))
    with_uv = ["uv", "pip", "install", "--python", python]
    with_pip = [python, "-I", "-m", "pip", "install", "--disable-pip-version-check"]
    command = [*(with_uv if installer == "uv" else with_pip), *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        log = venv / "install.log"
        log.write_text(ended.stdout + ended.stderr)
        errors = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        reason = last_line(errors[-1] if errors else ended.stderr)
        raise InstallError(f"{installer} could not install {arguments[-1]}: {reason} (see {log})")


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in IGNORED} | OVERRIDDEN


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", nargs="+")
    parser.add_argument("--venv", type=Path, default=VENV, help="the environment, unless it is .venv")
    parser.add_argument("--target", help="a folder to install into instead of the environment")
    arguments = parser.parse_args()
    try:
        for requirements in arguments.requirements:
            install(requirements, arguments.venv.absolute(), arguments.target)
    except (InstallError, OSError) as error:
        print(f"devinsync: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
