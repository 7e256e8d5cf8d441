"""Each requirements file pins all that it needs, on every supported Python and system, and so installs for ever."""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.launcher.package_index import dependencies, pins, version_of, with_hashes_of, write_index, write_wheel

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = ("requirements.txt", "requirements-dev.txt")
OLDEST_PIP = ROOT / ".venv" / "oldest-pip"

PYTHONS = ("3.11.0", "3.11.3", "3.12.0", "3.13.0", "3.14.0")
SYSTEMS = (("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"))


def markers(python: str, system: tuple[str, str, str]) -> dict[str, str]:
    here = {name: str(value) for name, value in default_environment().items()}
    return here | {
        "python_full_version": python,
        "implementation_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": system[0],
        "platform_system": system[1],
        "platform_machine": system[2],
    }


def applies(requirement: Requirement, environment: dict[str, str], extras: tuple[str, ...] = ()) -> bool:
    return not requirement.marker or any(
        requirement.marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras)
    )


def not_pinned(file: str, environment: dict[str, str]) -> list[str]:
    """What some pinned package asks for that the file pins not at all or to another version."""
    pinned = {canonicalize_name(pin.name): pin for pin in pins(ROOT / file) if applies(pin, environment)}
    missing, seen = [], set[tuple[str, str]]()
    asked = [(name, extra) for name, pin in pinned.items() for extra in ("", *pin.extras)]
    while asked:
        name, extra = asked.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for wanted in map(Requirement, dependencies(name)):
            if not applies(wanted, environment, (extra,)):
                continue
            pin = pinned.get(canonicalize_name(wanted.name))
            if pin is None or not wanted.specifier.contains(version_of(pin), prereleases=True):
                missing.append(f"{name} wants {wanted}")
            asked += [(canonicalize_name(wanted.name), other) for other in wanted.extras]
    return missing


@pytest.mark.parametrize("system", SYSTEMS, ids="-".join)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", [*FILES, "requirements-optional.txt"])
def test_pins_all_that_is_needed(file: str, python: str, system: tuple[str, str, str]) -> None:
    assert not_pinned(file, markers(python, system)) == []


@pytest.mark.parametrize("file", [*FILES, "requirements-optional.txt"])
def test_knows_what_each_pinned_package_needs(file: str) -> None:
    """The test above reads it from what is installed: all that is meant for this Python and system."""
    here = [pin.name for pin in pins(ROOT / file) if not pin.marker or pin.marker.evaluate()]

    assert {name: metadata.version(name) for name in here} == {
        pin.name: version_of(pin) for pin in pins(ROOT / file) if pin.name in here
    }


@pytest.mark.parametrize("file", [*FILES, "requirements-optional.txt"])
def test_is_made_from_its_source(file: str) -> None:
    pinned = {canonicalize_name(pin.name): version_of(pin) for pin in pins(ROOT / file)}
    sources = [ROOT / file.replace(".txt", ".in"), *([ROOT / "requirements.in"] if "dev" in file else [])]

    for wanted in (wanted for source in sources for wanted in pins(source)):
        assert pinned[canonicalize_name(wanted.name)] == version_of(wanted)


def test_both_files_agree() -> None:
    development = {pin.name: str(pin) for pin in pins(ROOT / FILES[1])}

    assert all(development[pin.name] == str(pin) for pin in pins(ROOT / FILES[0]))


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose requirements files pin small wheels of a folder, in which each package has a newer release."""
    root, index = tmp_path / "checkout", tmp_path / "index"
    (root / "launcher").mkdir(parents=True)
    index.mkdir()
    shutil.copy(ROOT / "launcher" / "install.py", root / "launcher")
    write_index(index, pins(ROOT / FILES[1]))
    for file in FILES:
        (root / file).write_text(with_hashes_of(index, pins(ROOT / file)))
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "PYTHON", "VIRTUAL_ENV", "INSTALLER"))]:
        monkeypatch.delenv(name)
    ours = {"NO_INDEX": "1", "FIND_LINKS": str(index), "CACHE_DIR": str(tmp_path / "cache")}
    for name, value in ours.items():
        monkeypatch.setenv(f"PIP_{name}", value)
        monkeypatch.setenv(f"UV_{name}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    return root


def venv_with(pip: Path, root: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)
    [packages] = (root / ".venv").glob("lib/python3.*/site-packages")
    (packages / "pip.pth").write_text(str(pip))


def run_install(root: Path) -> None:
    command = [sys.executable, "-m", "launcher.install", *FILES]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr + ((root / ".venv" / "install.log").read_text())


def installed(root: Path) -> dict[str, str]:
    [packages] = (root / ".venv").glob("lib/python3.*/site-packages")
    found = {canonicalize_name(one.name): one.version for one in metadata.distributions(path=[str(packages)])}
    return {name: version for name, version in found.items() if name not in ("pip", "setuptools")}


def wanted_here() -> dict[str, str]:
    pinned = [pin for pin in pins(ROOT / FILES[1]) if not pin.marker or pin.marker.evaluate()]
    return {canonicalize_name(pin.name): version_of(pin) for pin in pinned}


def test_installs_with_the_pip_of_this_python(copy: Path) -> None:
    run_install(copy)

    assert installed(copy) == wanted_here()


needs_oldest_pip = pytest.mark.skipif(not OLDEST_PIP.is_dir(), reason="`make install-dev` brings the oldest pip")


@needs_oldest_pip
def test_installs_with_the_oldest_pip(copy: Path) -> None:
    venv_with(OLDEST_PIP, copy)

    run_install(copy)

    assert installed(copy) == wanted_here()


@needs_oldest_pip
def test_installs_with_the_oldest_pip_that_looks_for_dependencies(copy: Path) -> None:
    venv_with(OLDEST_PIP, copy)
    command = [
        str(copy / ".venv" / "bin" / "python"),
        "-I",
        "-m",
        "pip",
        "install",
        "-q",
        "--require-hashes",
        "-r",
        FILES[1],
    ]

    subprocess.run(command, cwd=copy, check=True)

    assert installed(copy) == wanted_here()


def test_installs_with_uv(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTALLER", "uv")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    run_install(copy)

    assert installed(copy) == wanted_here()
    assert not list(copy.glob(".venv/bin/pip*"))


def test_settings_for_other_projects_change_nothing(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "constraints.txt").write_text("django<5\n")
    (tmp_path / "pip.conf").write_text(f"[global]\nuser = true\nconstraint = {tmp_path}/constraints.txt\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "target"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    wheel = write_wheel(elsewhere, "django", "99999")
    monkeypatch.setenv("PYTHONPATH", str(wheel))

    run_install(copy)

    assert installed(copy) == wanted_here()


def test_names_no_place_to_install_from() -> None:
    for file in FILES:
        assert not re.search(r"://|^-", (ROOT / file).read_text(), re.MULTILINE)
