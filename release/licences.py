"""LICENCES: docs/licences.md, the packages that DevinSync is installed with and what each comes under."""

from collections.abc import Sequence
from pathlib import Path

from release.packages import ROOT, Package

DOCUMENT = ROOT / "docs" / "licences.md"
HEAD = """# Licences

DevinSync comes under the [Apache License 2.0](../LICENSE). It is installed with these packages, unaltered, each under a
licence of its own, whose text lies beside it where it is installed (`*.dist-info`). None asks that DevinSync, or what
you do with it, come under that licence too: LGPL and MPL concern the packages themselves, which you may replace by
others of your own making.

`make licences` makes this page of `requirements.txt` and `release/licences.toml`; a test holds it to them.

| package | version | licence |
| --- | --- | --- |
"""


def render(packages: Sequence[Package]) -> str:
    return HEAD + "".join(f"| {each.name} | {each.version} | {each.licence} |\n" for each in packages)


def write(packages: Sequence[Package], document: Path = DOCUMENT) -> None:
    document.write_text(render(packages))
