"""`make mutants`: changes the code in one small place at a time, and counts the changes that no test notices.

    make mutants                                      all targets; takes long
    make mutants ARGS="guard plan"                    some of them
    make mutants ARGS="plan --only '*drift_of*'"      some changes, by mutmut's names for them

The status is 0 if nine in ten changes of each target are noticed, and the list of those that change nothing is true.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.measure import Score, measure, read_equivalent
from tests.mutants.plugin import TEMPLATE
from tests.mutants.targets import TARGETS

ROOT = Path(__file__).resolve().parent.parent.parent
GOAL = 90
# No plugin but these: loading the others for each change takes longer than most tests.
PLUGINS = ("pytest_django.plugin", "_hypothesis_pytestplugin", "tests.mutants.plugin")
OPTIONS = (*(f"-p{name}" for name in PLUGINS), "-m", "not browser and not sdk and not torture")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN", help="of the names of changes")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here, go on from what is there, and leave it")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, metavar="N", help="changes judged at once")
    given = parser.parse_args()
    if unknown := sorted(set(given.targets) - set(TARGETS)):
        parser.error(f"there is no target {unknown[0]}; there are {', '.join(TARGETS)}")
    with tempfile.TemporaryDirectory(prefix="devinsync-mutants-") as folder:
        work = given.keep.resolve() if given.keep else Path(folder)
        make_database(work)
        scores = [judge(name, work / name, only=given.only, at_once=given.at_once) for name in given.targets or TARGETS]
    return 0 if all(score.percent >= GOAL and not score.stale for score in scores) else 1


def make_database(work: Path) -> None:
    """Migrated once; every fork has a copy."""
    data = work / "data"
    data.mkdir(parents=True, exist_ok=True)
    template = data / "template.sqlite3"
    os.environ |= {"DATA_DIR": str(data), TEMPLATE: str(template), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    site = os.environ | {"DATABASE_URL": f"sqlite:///{template}", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=site, check=True)


def judge(name: str, work: Path, *, only: Sequence[str], at_once: int) -> Score:
    work.mkdir(exist_ok=True)
    equivalent = read_equivalent(Path(__file__).with_name("equivalent.toml"))
    score = measure(
        TARGETS[name], root=ROOT, work=work, equivalent=equivalent, options=OPTIONS, only=only, at_once=at_once
    )
    print(f"{name}: {score.killed} of {score.total} noticed, {score.percent:.1f} %; the goal is {GOAL} %.", end=" ")
    print(f"{len(score.equivalent)} more change nothing.", flush=True)
    for change in score.survivors:
        print(f"  {change}")
    for one in score.stale:
        print(f"  listed as changing nothing, but it is not among the unnoticed: {one.path}: {one.becomes}")
    sys.stdout.flush()
    return score


if __name__ == "__main__":
    sys.exit(main())
