"""What is shipped: the packages of `requirements.txt`, with their hashes, and the licence of each.

The licences stand in `licences.toml`, read and decided by a person: many packages say no more than “BSD”.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LICENCES = Path(__file__).parent / "licences.toml"
# Those under which DevinSync may be handed on together with the package, unaltered. No other is.
ALLOWED = frozenset(
    {
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "LGPL-3.0-only",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "ZPL-2.1",
    }
)


class LicenceError(Exception):
    """A package whose licence nobody has read, or one that forbids to ship it. The message says which."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    marker: str
    """Where it is installed, as of PEP 508; "" for everywhere."""
    hashes: tuple[str, ...]
    """SHA-256 of each of its files, in hexadecimal digits."""
    licence: str
    """An SPDX expression."""
    needs: tuple[str, ...]


def shipped_packages(requirements: Path = ROOT / "requirements.txt") -> list[Package]:
    """In the order of their names. Raises LicenceError."""
    pinned = list(_pinned(requirements.read_text()))
    names: set[str] = {canonicalize_name(pin.name) for pin, _ in pinned}
    licences: dict[str, str] = tomllib.loads(LICENCES.read_text())
    return [_package(pin, hashes, licences, names) for pin, hashes in pinned]


def _pinned(text: str) -> Iterator[tuple[Requirement, tuple[str, ...]]]:
    for block in text.replace("\\\n", " ").splitlines():
        if block and block[0] not in "# ":
            pin, *hashes = block.split(" --hash=sha256:")
            yield Requirement(pin), tuple(each.strip() for each in hashes)


def _package(pin: Requirement, hashes: tuple[str, ...], licences: dict[str, str], names: set[str]) -> Package:
    name = canonicalize_name(pin.name)
    [only] = pin.specifier
    licence = licences.get(name, "")
    if not licence:
        raise LicenceError(f"Nobody has read the licence of {name}. Read it, and enter it in release/licences.toml.")
    if refused := set(licence.replace("(", " ").replace(")", " ").split()) - ALLOWED - {"AND", "OR"}:
        raise LicenceError(
            f"{name} comes under {', '.join(sorted(refused))}, which release/packages.py does not allow."
        )
    return Package(name, only.version, str(pin.marker or ""), hashes, licence, _needs(pin, names))


def _needs(pin: Requirement, names: set[str]) -> tuple[str, ...]:
    """Of the shipped packages; nothing where it is not installed, as on a Python that it is not for."""
    try:
        stated = metadata.distribution(pin.name).requires or []
    except metadata.PackageNotFoundError:
        return ()
    wanted = (Requirement(text) for text in stated)
    asked = {canonicalize_name(each.name) for each in wanted if _is_asked(each, pin.extras)}
    return tuple(sorted(asked & names))


def _is_asked(wanted: Requirement, extras: set[str]) -> bool:
    """Whatever the machine: of the markers only those of extras count."""
    marker = str(wanted.marker or "")
    return "extra ==" not in marker or any(f'extra == "{extra}"' in marker for extra in extras)
