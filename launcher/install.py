"""Creates `.venv` and installs a requirements file into it, unless that was done already.

Run by the Makefile with the machine's own Python, so it imports nothing but the standard library.
"""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
USABLE = "import pip, sys; sys.exit(sys.version_info < (3, 11))"


class InstallError(Exception):
    """The message is one line that says what is wrong and what to do."""


def install(requirements: str) -> None:
    if not is_usable():
        create_venv()
    stamp = VENV / f"{requirements}.installed"
    wanted = hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"Installing {requirements} into .venv", flush=True)
    run_pip("install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", requirements)
    stamp.write_text(wanted)


def is_usable() -> bool:
    """A `.venv` whose Python is gone, too old or has no pip is made anew."""
    try:
        return subprocess.run([PYTHON, "-c", USABLE], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create_venv() -> None:
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise InstallError(
            f"{sys.executable} has no venv module. Install it (on Debian and Ubuntu: apt-get install python3-venv) "
            "and run this again."
        )
    print("Creating .venv", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise InstallError(f"Could not create {VENV}: {last_line(ended.stderr + ended.stdout)}")


def run_pip(*arguments: str) -> None:
    ended = subprocess.run([PYTHON, "-m", "pip", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        log = VENV / "install.log"
        log.write_text(ended.stdout + ended.stderr)
        errors = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        raise InstallError(f"pip could not install: {last_line(errors[-1] if errors else ended.stderr)} (see {log})")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main() -> int:
    try:
        for requirements in sys.argv[1:]:
            install(requirements)
    except (InstallError, OSError) as error:
        print(f"devinsync: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
