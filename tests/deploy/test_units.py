"""The units of systemd: it finds nothing wrong with them, and each program gets what it needs and nothing more."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from common.environment import IN_FILES
from launcher.healthy import LONGEST_SILENCE
from tests.deploy.compose import UNITS, read_services
from tests.deploy.dockerfile import ROOT
from tests.patience import PATIENCE
from tests.test_documentation import settings_read

FOLDER = ROOT / "deploy" / "systemd"
SERVICES = {re.sub(r"devinsync-(\w+)@?", r"\1", path.stem): path for path in FOLDER.glob("*.service")}
EVERY = pytest.mark.parametrize("name", sorted(SERVICES))
COMMON = FOLDER / "devinsync-.service.d" / "common.conf"
INSTALLED = "/opt/devinsync"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="There is no systemd-analyze on this machine."
)


def lines_of(*paths: Path) -> list[tuple[str, str]]:
    """Names and values in order; a name may stand more than once."""
    whole = [line.partition("=") for path in paths for line in path.read_text().splitlines()]
    return [(name, value) for name, equals, value in whole if equals and not name.startswith("#")]


def values(name: str, wanted: str) -> list[str]:
    return [value for key, value in lines_of(SERVICES[name], COMMON) if key == wanted]


def environment_of(name: str) -> dict[str, str]:
    words = (word.partition("=") for value in values(name, "Environment") for word in value.split())
    return {key: value for key, _, value in words}


def analyze(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """With our units beside those that this machine has."""
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """As they are, but that the programs are where this checkout has them: systemd looks whether they are there."""
    folder = tmp_path / "units"
    shutil.copytree(FOLDER, folder)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        text = path.read_text().replace(f"{INSTALLED}/.venv/bin/python", sys.executable)
        path.write_text(text.replace(INSTALLED, str(ROOT)))
    return folder


@needs_systemd
def test_systemd_finds_nothing_wrong(units: Path) -> None:
    names = [path.name.replace("@", "@1") for path in units.iterdir() if path.is_file()]

    ended = analyze(units, "verify", "--man=no", *sorted(str(units / name) for name in names))

    # Of what this machine has else, it may say what it likes.
    assert [line for line in ended.stdout.splitlines() if "devinsync" in line or str(units) in line] == []


@needs_systemd
def test_systemd_would_find_what_is_wrong(units: Path) -> None:
    conf = units / "devinsync-.service.d" / "common.conf"
    conf.write_text(conf.read_text().replace("ProtectSystem=strict", "ProtectSystem=very"))

    ended = analyze(units, "verify", "--man=no", str(units / "devinsync-web.service"))

    assert f"{conf}:" in ended.stdout


@needs_systemd
@EVERY
def test_little_is_open(name: str, units: Path) -> None:
    unit = SERVICES[name].name.replace("@", "@1")

    ended = analyze(units, "security", "--offline=true", "--no-pager", unit)

    [level] = re.findall(r"Overall exposure level for \S+: (\d+\.\d)", ended.stdout)
    assert float(level) <= 2.0


def test_there_is_a_unit_for_each_program() -> None:
    assert set(SERVICES) == {name for name, service in read_services().items() if service.is_ours}


@EVERY
def test_its_command_exists(name: str) -> None:
    command = {"web": "serve"}.get(name, name)

    assert values(name, "ExecStart") == [f"{INSTALLED}/.venv/bin/python manage.py {command}"]
    assert command in get_commands()


@EVERY
def test_its_secrets_are_files_that_systemd_gives_it(name: str) -> None:
    credentials = dict(value.split(":", 1) for value in values(name, "LoadCredential"))
    named = {key: value for key, value in environment_of(name).items() if key.endswith("_FILE")}

    assert {key.removesuffix("_FILE") for key in named} <= IN_FILES
    assert {value.removeprefix("%d/") for value in named.values()} == set(credentials)
    wanted = set(read_services()[name].given["secrets"])
    assert credentials == {secret: f"/etc/devinsync/secrets/{secret}" for secret in wanted}
    assert not IN_FILES & set(environment_of(name))


@EVERY
def test_its_variables_are_settings(name: str) -> None:
    plain = {key for key in environment_of(name) if not key.endswith("_FILE")}

    assert plain - {"PYTHONUNBUFFERED"} <= set(settings_read())


@EVERY
def test_it_may_use_as_much_and_take_as_long_as_in_a_container(name: str) -> None:
    service = read_services()[name]
    [memory] = values(name, "MemoryMax")

    assert int(memory[:-1]) * UNITS[memory[-1].lower()] == service.memory
    if name != "prepare":
        assert [float(value) for value in values(name, "TimeoutStopSec")] == [service.grace]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"prepare"}))
def test_it_starts_once_the_database_is_prepared_and_with_the_target(name: str) -> None:
    assert values(name, "Requires") == ["devinsync-prepare.service"]
    assert "devinsync-prepare.service" in values(name, "After")
    assert values(name, "PartOf") == ["devinsync.target"]
    [wanted] = [value for key, value in lines_of(FOLDER / "devinsync.target") if key == "Wants"]
    assert SERVICES[name].name.replace("@", "@1") in wanted.split()


@pytest.mark.parametrize("name", ["worker", "scheduler"])
def test_one_that_hangs_is_started_anew(name: str) -> None:
    assert values(name, "Type") == ["notify"]
    assert [float(value) for value in values(name, "WatchdogSec")] == [LONGEST_SILENCE]
    assert values(name, "Restart") == ["always"]
