"""What is installed is what a lock says: hashes for every package, no place to get it from, and no choice left."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installing import UnpinnedInstall, unpinned
from tests.launcher.package_index import pins, version_of

ROOT = Path(__file__).resolve().parent.parent
OF_TOOLS = [ROOT / folder / "requirements.txt" for folder in ("client/action", "release/audit")]
PYTHON_LOCKS = sorted({*ROOT.glob("tests/**/requirements.txt"), *OF_TOOLS})
NODE_LOCKS = sorted(ROOT.glob("tests/**/package-lock.json"))
# The one that installs, always with hashes (tests/launcher/test_install.py), and what speaks of such commands.
SPEAK_OF_IT = {"launcher/install.py", "tests/installing.py", "tests/test_installing.py"}
COMMANDS_STAND_IN = {"", ".py", ".sh", ".yml", ".yaml", ".md", ".js", ".toml", ".html"}
# A person's own tools are theirs to choose.
FOR_PEOPLE = {"client/README.md": ["pipx install"], "docs/api.md": ["pipx install"]}
NOT_OURS = (".git", ".venv", "var", "node_modules", "build", "__pycache__", "_cache", ".egg-info")


def files_with_commands() -> list[Path]:
    files, folders = list[Path](), [ROOT]
    while folders:
        for path in folders.pop().iterdir():
            if path.is_dir() and not path.name.endswith(NOT_OURS):
                folders.append(path)
            elif path.is_file() and path.suffix in COMMANDS_STAND_IN:
                files.append(path)
    return files


def test_no_file_of_ours_leaves_an_installer_a_choice() -> None:
    files = {str(path.relative_to(ROOT)): path for path in files_with_commands()}
    assert {"Makefile", ".ci/run", ".github/workflows/ci.yml", "CONTRIBUTING.md", *SPEAK_OF_IT} <= set(files)

    found = {name: unpinned(path.read_text()) for name, path in files.items() if name not in SPEAK_OF_IT}

    assert {name: commands for name, commands in found.items() if commands} == FOR_PEOPLE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('run("npm", "install", "--no-audit", *packages)', ["npm install"]),
        ("npm --prefix there i left-pad@1.3.0", ["npm i"]),
        ("npm --prefix there ci", []),
        ("npm i left-pad@1.3.0", ["npm i"]),
        ("npm ci --ignore-scripts", []),
        ("npm install --package-lock-only", []),
        ("npx --yes tsc", ["npx tsc"]),
        ('[str(python), "-m", "pip", "install", "-q", "infisicalsdk==1.0.18"]', ["pip install"]),
        ("venv/bin/pip3.11 install -r requirements.txt", ["pip install"]),
        ("pip install --require-hashes -r requirements.txt", []),
        ("uv pip install \\\n  requests", ["pip install"]),
        ("uv run --with requests x.py", ["uv run"]),
        ("uv pip compile x.in", []),
        ("uvx ruff check", ["uvx ruff"]),
        ("python -m playwright install chromium", ["playwright install"]),
        ("pip before 23.3 takes the newest", []),
    ],
)
def test_knows_commands_that_choose(text: str, found: list[str]) -> None:
    assert unpinned(text) == found


@pytest.mark.parametrize(
    "command",
    [
        ["npm", "install", "left-pad"],
        [sys.executable, "-m", "pip", "install", "requests==2.34.2"],
        ["bash", "-c", "cd /tmp && npx tsc"],
        "uvx ruff",
        (Path("/usr/bin/npx"), b"tsc"),
    ],
    ids=str,
)
def test_no_test_can_run_one(command: object) -> None:
    with pytest.raises(UnpinnedInstall):
        subprocess.run(command, check=False)  # type: ignore[call-overload]


def test_others_run() -> None:
    assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\n"


def of(path: Path) -> str:
    return path.parent.name


@pytest.mark.parametrize("lock", PYTHON_LOCKS, ids=of)
def test_a_lock_of_python_pins_with_hashes(lock: Path) -> None:
    text = lock.read_text()
    pinned = {pin.name: version_of(pin) for pin in pins(lock)}

    assert len(re.findall(r"^[a-z].* \\\n    --hash=sha256:", text, re.MULTILINE)) == len(pinned)
    assert not re.search(r"://|^-", text, re.MULTILINE)
    assert all(pinned[wanted.name] == version_of(wanted) for wanted in pins(lock.with_suffix(".in")))


@pytest.mark.parametrize("lock", NODE_LOCKS, ids=of)
def test_a_lock_of_node_pins_with_hashes(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    wanted = json.loads((lock.parent / "package.json").read_text())["dependencies"]

    assert packages.pop("")["dependencies"] == wanted
    assert all(packages[f"node_modules/{name}"]["version"] == version for name, version in wanted.items())
    assert [name for name, package in packages.items() if not package.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_every_client_has_its_lock() -> None:
    clients = ROOT / "tests" / "api" / "sdk" / "clients"

    locked = {lock.parent for lock in (*PYTHON_LOCKS, *NODE_LOCKS)}

    assert set(clients.iterdir()) == {folder for folder in locked if folder.parent == clients}
