"""`make keep-release`: works with an installation of this version, and keeps its database in a folder of its own.

Run it once, on the commit that is released, as docs/releasing.md says.
"""

import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from common.version import VERSION
from tests.postgresql import PostgreSQL
from tests.releases.environment import HERE, ROOT, environment

# What a program of PostgreSQL's own does to its session, and no statement of ours.
OF_PSQL = ("SET ", "\\", "--", "SELECT pg_catalog.set_config")


def keep(folder: Path, work: Path) -> None:
    file = work / "devinsync.sqlite3"
    address = f"sqlite:///{file}"
    run(address, work, "manage.py", "prepare")
    run(address, work, "-m", "tests.releases.fill", str(work / "devin.json"))
    facts = json.loads(run(address, work, "-m", "tests.releases.facts"))
    run(address, work, "manage.py", "backup", str(work / "backup.gz"))
    on_postgresql = dump_from_postgresql(work)
    folder.mkdir()
    (folder / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    (folder / "commit.txt").write_text(commit.stdout)
    write(folder / "sqlite.sql.gz", dump_from_sqlite(file))
    write(folder / "postgresql.sql.gz", on_postgresql)
    for name in ("devin.json", "backup.gz"):
        shutil.copyfile(work / name, folder / name)


def run(address: str, work: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(address, work), stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def dump_from_sqlite(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        return "\n".join(database.iterdump()) + "\n"


def dump_from_postgresql(work: Path) -> str:
    server = PostgreSQL.create()
    try:
        server.start()
        run(server.url, work, "manage.py", "restore", "--not-paused", str(work / "backup.gz"))
        flags = ("--inserts", "--no-owner", "--no-privileges", "-h", str(server.data), "-U", "postgres", "postgres")
        dumped = subprocess.run([server.programs / "pg_dump", *flags], stdout=subprocess.PIPE, text=True, check=True)
    finally:
        server.remove()
    # None of its lines that begin so is within a value: those of ours hold no line ends but escaped in JSON.
    return "".join(line for line in dumped.stdout.splitlines(keepends=True) if not line.startswith(OF_PSQL))


def write(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def main() -> int:
    folder = HERE / VERSION
    if folder.exists():
        print(f"{folder.relative_to(ROOT)} is there already: a release is kept once.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as work:
        keep(folder, Path(work))
    print(f"Kept {VERSION} in {folder.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
