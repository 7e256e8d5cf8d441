"""A folder of small wheels that stands in for a package index."""

import hashlib
import re
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NEWER = "99999"


def pins(requirements: Path) -> Iterator[Requirement]:
    """What a requirements file pins, without the hashes."""
    for line in requirements.read_text().splitlines():
        if line and line[0] not in "# -":
            yield Requirement(line.removesuffix("\\"))


def version_of(pin: Requirement) -> str:
    [only] = pin.specifier
    assert only.operator == "=="
    return only.version


def dependencies(name: str) -> list[str]:
    """As its own metadata states them; none of a package that is not for this Python or system."""
    try:
        return metadata.distribution(name).requires or []
    except metadata.PackageNotFoundError:
        return []


def write_index(folder: Path, pinned: Iterable[Requirement]) -> None:
    """Of every package the pinned release and a newer one."""
    for pin in pinned:
        for version in (version_of(pin), NEWER):
            write_wheel(folder, pin.name, version, dependencies(pin.name))


def write_wheel(folder: Path, name: str, version: str, requires: Iterable[str] = ()) -> Path:
    stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
    wheel = folder / f"{stem}-py3-none-any.whl"
    files = {
        "METADATA": [
            *("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"),
            *(
                f"Provides-Extra: {extra}"
                for extra in sorted(set(re.findall(r"extra == [\"']([^\"']+)", str(requires))))
            ),
            *(f"Requires-Dist: {requirement}" for requirement in requires),
        ],
        "WHEEL": ["Wheel-Version: 1.0", "Generator: tests", "Root-Is-Purelib: true", "Tag: py3-none-any"],
        "RECORD": [f"{stem}.dist-info/{name},," for name in ("METADATA", "WHEEL", "RECORD")],
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, lines in files.items():
            archive.writestr(f"{stem}.dist-info/{file}", "\n".join(lines) + "\n")
    return wheel


def with_hashes_of(folder: Path, pinned: Iterable[Requirement]) -> str:
    """The lines of a requirements file that pins the folder's wheels."""
    lines = []
    for pin in pinned:
        [wheel] = folder.glob(f"{canonicalize_name(pin.name).replace('-', '_')}-{version_of(pin)}-*.whl")
        lines.append(f"{pin} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return "".join(lines)
