"""The Dockerfile, as far as it can be judged without an engine; `.ci/image` carries its steps out."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from common.version import VERSION
from tests.deploy.building import BASE, Builder
from tests.deploy.context import files_in_context, is_ignored
from tests.deploy.dockerfile import DOCKERFILE, KNOWN, ROOT, instructions_of, read_stages, variables_of
from tests.patience import PATIENCE
from tests.test_architecture import FLOORS
from tests.test_documentation import settings_read

STAGES = read_stages()
IMAGE = STAGES[-1]
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
# What Python and the shell read.
OTHERS = {"PATH", "LANG", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "VERSION", "REVISION"}


@pytest.mark.skipif(HADOLINT is None, reason="There is no hadolint on this machine.")
def test_hadolint_finds_nothing() -> None:
    ended = subprocess.run(
        [str(HADOLINT), "--failure-threshold", "style", str(DOCKERFILE)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_each_stage_begins_with_a_debian_of_one_day_or_with_another_stage() -> None:
    for number, stage in enumerate(STAGES):
        assert BASE.fullmatch(stage.base) or stage.base in [other.name for other in STAGES[:number]]


def test_the_label_names_the_base_that_it_has() -> None:
    labels = IMAGE.last("LABEL").pairs(variables_of(STAGES, IMAGE))

    assert labels["org.opencontainers.image.base.name"] == f"docker.io/library/{STAGES[0].base.partition('@')[0]}"


def test_the_version_is_the_one_of_pyproject() -> None:
    labels = IMAGE.last("LABEL").pairs(variables_of(STAGES, IMAGE))

    assert labels["org.opencontainers.image.version"] == VERSION
    assert f"--tag devinsync:{VERSION} ." in DOCKERFILE.read_text()


def test_it_runs_as_a_user_of_a_number_who_is_not_root() -> None:
    assert IMAGE.last("USER").text == "10001:10001"
    steps = [step.instruction for step in IMAGE.steps]
    assert "RUN" not in steps[steps.index("USER") :]


def test_its_variables_are_settings_and_its_commands_exist() -> None:
    variables = variables_of(STAGES, IMAGE)

    assert set(variables) - OTHERS <= set(settings_read())
    assert (variables["DATA_DIR"], variables["PORT"]) == ("/var/lib/devinsync", IMAGE.last("EXPOSE").text)
    commands = [*re.findall(r"manage\.py (\w+)", DOCKERFILE.read_text()), IMAGE.last("CMD").command[2]]
    assert set(commands) == {"collectstatic", "serve"}
    assert set(commands) <= set(get_commands())


def test_its_health_check_is_a_module_of_its_own() -> None:
    command = IMAGE.last("HEALTHCHECK").text.removeprefix("CMD ")

    assert command == '["python", "-m", "launcher.healthy"]'
    assert "launcher/healthy.py" in set(files_in_context())


def test_packages_are_what_the_hashes_say() -> None:
    installs = [step.text for stage in STAGES for step in stage.all("RUN") if "pip" in step.text]

    assert len(installs) == 1
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(installs[0].split())


def test_everything_that_runs_is_in_it_and_nothing_else() -> None:
    there = set(files_in_context())

    packages = {name for floor in FLOORS for name in floor} | {"launcher", "templates"}
    assert {name.partition("/")[0] for name in there if "/" in name} == packages
    requirements = {"requirements.txt", "requirements-optional.txt"}
    assert {name for name in there if "/" not in name} == {"LICENSE", "manage.py", "pyproject.toml", *requirements}
    tracked = subprocess.run(
        ["git", "ls-files", *sorted(packages)], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    ).stdout.split()
    assert set(tracked) <= there


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("manage.py", False),
        ("syncs/runs/queue.py", False),
        ("syncs/runs/__pycache__/queue.cpython-313.pyc", True),
        (".env", True),
        ("secrets/encryption_keys", True),
        ("var/secrets.env", True),
        (".git/config", True),
        ("tests/manage.py", True),
    ],
)
def test_reads_dockerignore_as_docker_does(path: str, expected: bool) -> None:
    assert is_ignored(path, ["*", "!manage.py", "!syncs", "**/__pycache__"]) is expected


def test_reads_a_step_over_lines_and_with_flags(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(
        'FROM one AS two\n# a word\nRUN a \\\n # not a word\n && b\nCOPY --from=x --chown=1:2 /a /b\nCMD ["a b"]\n'
    )

    [stage] = read_stages(file)

    assert (stage.base, stage.name) == ("one", "two")
    assert [(step.text, step.flags) for step in stage.steps[1:]] == [
        ("/a /b", {"from": "x", "chown": "1:2"}),
        ('["a b"]', {}),
    ]
    assert stage.last("CMD").command == ["a b"]


def test_puts_variables_in_as_docker_does(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text('FROM one AS a\nENV X=1 PATH=/a:$PATH\nFROM a\nARG Y="two words"\nENV Z=${X}$Y\n')
    stages = read_stages(file)

    variables = variables_of(stages, stages[-1])

    assert variables["Z"] == "1two words"
    assert variables["PATH"].startswith("/a:/usr")


def test_an_instruction_that_is_not_known_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text("FROM one\nVOLUME /data\n")

    with pytest.raises(ValueError, match="VOLUME"):
        read_stages(file)


def test_every_instruction_is_carried_out() -> None:
    used = {name for name, _ in instructions_of(DOCKERFILE.read_text())} - {"FROM"}

    assert used <= KNOWN
    assert [name for name in used if not hasattr(Builder, f"do_{name.lower()}")] == []
