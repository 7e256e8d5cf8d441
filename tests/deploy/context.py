"""What `COPY` finds: the files of this folder that .dockerignore lets in."""

import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.dockerfile import ROOT


def patterns_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def is_ignored(path: str, patterns: list[str]) -> bool:
    """The last pattern that fits the path, or a folder above it, decides. One with ! lets in."""
    parts = path.split("/")
    above = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    ignored = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        if any(fits(one, wanted) for one in above):
            ignored = not pattern.startswith("!")
    return ignored


def fits(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatch(path.rpartition("/")[2], pattern.removeprefix("**/"))
    return path.count("/") == pattern.count("/") and fnmatch.fnmatch(path, pattern)


def files_in_context(root: Path = ROOT) -> Iterator[str]:
    """Relative to the root, in order. Folders of which nothing is let in are not looked into."""
    patterns = patterns_of((root / ".dockerignore").read_text())
    for folder, folders, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        folders[:] = sorted(name for name in folders if not is_ignored(str(inside / name), patterns))
        yield from sorted(str(inside / name) for name in files if not is_ignored(str(inside / name), patterns))
