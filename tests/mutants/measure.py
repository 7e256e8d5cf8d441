"""Runs mutmut in a folder of its own, and tells the changes that were noticed from those that were not."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tests.mutants.targets import Target

MUTMUT = Path(sys.executable).with_name("mutmut")
NOTICED = ("killed", "timeout", "segfault")
# Nothing of the checkout that is made anew or that no test reads.
LEFT_OUT = {"pyproject.toml", "var", "staticfiles", "node_modules", "mutants"}


class MutmutFailed(Exception):
    """mutmut ended before it had judged all changes; the message is what it said."""


@dataclass(frozen=True)
class Change:
    """One changed line or call: the code as it is, and as it became. `name` is mutmut's, for `mutmut show`."""

    name: str
    path: str
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.path}: {self.name.rpartition('.')[2]}\n    - {self.was}\n    + {self.becomes}"


@dataclass(frozen=True)
class Equivalent:
    """A change after which the code does just the same."""

    path: str
    was: str
    becomes: str
    because: str

    def fits(self, change: Change) -> bool:
        same = self.path == change.path and self.was in change.was
        return same and change.was.replace(self.was, self.becomes) == change.becomes


@dataclass(frozen=True)
class Score:
    killed: int
    survivors: tuple[Change, ...]
    equivalent: tuple[Change, ...]
    stale: tuple[Equivalent, ...]
    """Listed, but no survivor: the code is another now, or a test notices."""

    @property
    def total(self) -> int:
        return self.killed + len(self.survivors)

    @property
    def percent(self) -> float:
        return 100 * self.killed / max(self.total, 1)


def read_equivalent(path: Path) -> list[Equivalent]:
    return [Equivalent(**entry) for entry in tomllib.loads(path.read_text()).get("equivalent", [])]


def measure(
    target: Target,
    *,
    root: Path,
    work: Path,
    equivalent: Sequence[Equivalent] = (),
    options: Sequence[str] = (),
    only: Sequence[str] = (),
    at_once: int = 1,
) -> Score:
    """Judges every change of the target, or those whose names fit `only`. `options` are pytest's.

    `work` is an empty folder, or one of an earlier measurement, whose judgements of unchanged functions stand.
    """
    lay_out(target, root=root, work=work, options=options)
    said = run(work, "run", "--max-children", str(at_once), *only)
    statuses = statuses_in(run(work, "results", "--all", "true"), only)
    if not statuses or "not checked" in statuses.values():
        raise MutmutFailed(said)
    unnoticed = [show(work, name) for name, status in statuses.items() if status not in NOTICED]
    listed = [one for one in equivalent if any(fnmatch(one.path, pattern) for pattern in target.changed)]
    return Score(
        killed=len(statuses) - len(unnoticed),
        survivors=tuple(change for change in unnoticed if not any(one.fits(change) for one in listed)),
        equivalent=tuple(change for change in unnoticed if any(one.fits(change) for one in listed)),
        stale=tuple(one for one in listed if not only and not any(one.fits(change) for change in unnoticed)),
    )


def lay_out(target: Target, *, root: Path, work: Path, options: Sequence[str]) -> None:
    """Fills the folder with links to the checkout, and with settings for mutmut beside those for pytest."""
    names = [entry.name for entry in root.iterdir() if entry.name[0] != "." and entry.name not in LEFT_OUT]
    for name in names:
        if not (work / name).exists():
            (work / name).symlink_to(root / name)
    packages = sorted({pattern.partition("/")[0] for pattern in target.changed})
    settings = {
        "source_paths": packages,
        "only_mutate": list(target.changed),
        "also_copy": [name for name in sorted(names) if name not in packages],
        "pytest_add_cli_args_test_selection": list(target.tests),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", *options],
        # A change that makes the tests last so much longer is noticed; a machine that is busy with other things is not.
        "timeout_constant": 20.0,
        "timeout_multiplier": 15.0,
        "use_git_change_detection": False,
        "use_setproctitle": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    whole = [(root / "pyproject.toml").read_text(), "", "[tool.mutmut]", *lines, ""]
    (work / "pyproject.toml").write_text("\n".join(whole))


def run(work: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [MUTMUT, *arguments], cwd=work, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if ended.returncode:
        raise MutmutFailed(ended.stdout[-4000:])
    return ended.stdout


def statuses_in(results: str, only: Sequence[str]) -> dict[str, str]:
    lines = [line.strip().rpartition(": ") for line in results.splitlines()]
    return {name: status for name, colon, status in lines if colon and is_asked(name, only)}


def is_asked(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatch(name, pattern) for pattern in only)


def show(work: Path, name: str) -> Change:
    """`mutmut show` prints a line with the name, and a diff with the path in its head."""
    lines = run(work, "show", name).splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("+++ "))
    diff = lines[head + 1 :]
    return Change(
        name=name,
        path=lines[head].removeprefix("+++ ").split("\t")[0].strip(),
        was="\n".join(line[1:].strip() for line in diff if line.startswith("-")),
        becomes="\n".join(line[1:].strip() for line in diff if line.startswith("+")),
    )
