"""The file: lines of JSON, compressed by gzip, in this order.

    {"format": "devinsync-backup", "version": 1, "devinsync": …, "made_at": …, "migrations": […], "key_ids": {…}}
    {"table": "vault.secret", "columns": ["id", "key", …]}
    ["…", "DATABASE_URL", …]                                     a row; then the next one, and the next table
    {"rows": {"vault.secret": 9, …}, "sha256": …}                 of all lines before; without it the file is not whole

A key id and its count say which encryption keys a restored database needs.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

FORMAT = "devinsync-backup"
VERSION = 1
LONGEST_LINE = 64 * 1024 * 1024


class BackupError(Exception):
    """A file that is no whole backup, or none for this code or place. The message says what to do."""


@dataclass(frozen=True)
class Header:
    devinsync: str
    made_at: str
    instance_id: str
    migrations: list[tuple[str, str]]
    # How many tokens each encryption key has sealed.
    key_ids: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "version": VERSION, **self.__dict__}


@dataclass
class Writer:
    """Writes the lines, and counts and sums what it writes."""

    file: IO[bytes]
    rows: dict[str, int] = field(default_factory=dict)
    _sum: Any = field(default_factory=hashlib.sha256)
    _table: str = ""

    def header(self, header: Header) -> None:
        self._line(header.as_json())

    def table(self, label: str, columns: list[str]) -> None:
        self._table, self.rows[label] = label, 0
        self._line({"table": label, "columns": columns})

    def row(self, values: list[Any]) -> None:
        self.rows[self._table] += 1
        self._line(values)

    def end(self) -> None:
        self._line({"rows": self.rows, "sha256": self._sum.hexdigest()})

    def _line(self, content: Any) -> None:
        line = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        self._sum.update(line)
        self.file.write(line)


@dataclass(frozen=True)
class Table:
    label: str
    columns: list[str]
    rows: Iterator[list[Any]]


@dataclass
class Reader:
    """Reads a whole file once. Use `check` before anything is made of it: only its end tells whether all is there."""

    path: Path

    def header(self) -> Header:
        return _header(next(self._lines(), None), self.path)

    def check(self) -> dict[str, int]:
        """The rows of each table. Raises BackupError unless the file is whole and unaltered."""
        counted: dict[str, int] = {}
        digest, before, table, end = hashlib.sha256(), "", "", None
        _header(next(self._lines(), None), self.path)
        for line in self._raw_lines():
            before = digest.hexdigest()
            digest.update(line)
            content = _parse(line, self.path)
            if isinstance(content, list):
                counted[table] = counted.get(table, 0) + 1
            elif "table" in content:
                table = content["table"]
                counted.setdefault(table, 0)
            end = content
        if not isinstance(end, dict) or end.get("sha256") != before or end.get("rows") != counted:
            raise BackupError(f"{self.path} is not whole, or was altered. Use another backup.")
        return counted

    def tables(self) -> Iterator[Table]:
        """One after the other; each one's rows are to be read before the next."""
        lines = self._lines()
        next(lines)
        ahead: dict[str, Any] = next(lines)

        def rows() -> Iterator[list[Any]]:
            nonlocal ahead
            for line in lines:
                if isinstance(line, dict):
                    ahead = line
                    return
                yield line

        while "table" in ahead:
            yield Table(ahead["table"], ahead["columns"], rows())

    def _lines(self) -> Iterator[Any]:
        for line in self._raw_lines():
            yield _parse(line, self.path)

    def _raw_lines(self) -> Iterator[bytes]:
        try:
            with gzip.open(self.path) as file:
                while line := file.readline(LONGEST_LINE):
                    yield line
        except OSError as error:
            # BadGzipFile has no strerror.
            reason = error.strerror or "it is no backup, or not whole"
            raise BackupError(f"{self.path} can't be read: {reason}.") from None
        except (EOFError, zlib.error):
            raise BackupError(f"{self.path} is not whole, or was altered. Use another backup.") from None


def _header(content: Any, path: Path) -> Header:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BackupError(f"{path} is no backup of DevinSync.")
    if content.get("version") != VERSION:
        raise BackupError(f"{path} has format {content.get('version')}, this version reads {VERSION}. Use a newer one.")
    try:
        return Header(
            devinsync=str(content["devinsync"]),
            made_at=str(content["made_at"]),
            instance_id=str(content["instance_id"]),
            migrations=[(str(app), str(name)) for app, name in content["migrations"]],
            key_ids={str(name): int(count) for name, count in content["key_ids"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BackupError(f"{path} has a first line that can't be used. Use another backup.") from None


def _parse(line: bytes, path: Path) -> Any:
    try:
        content = json.loads(line)
    except ValueError:
        content = None
    if not isinstance(content, dict | list):
        raise BackupError(f"{path} is not whole, or was altered. Use another backup.")
    return content
