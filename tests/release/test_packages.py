"""What is shipped is known: each package by its hashes, and under a licence that a person has read."""

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from release import licences, packages
from release.packages import LicenceError, shipped_packages

# How packages name their licences where they do not by SPDX; the beginning of each in small letters.
WORDS = {
    "apache": "Apache-2.0",
    "bsd": "BSD-",
    "isc": "ISC",
    "mit": "MIT",
    "mozilla": "MPL-2.0",
    "mpl": "MPL-2.0",
    "zope": "ZPL-2.1",
    "zpl": "ZPL-2.1",
}


def stated_by(name: str) -> set[str]:
    """What its metadata says, as beginnings of SPDX ids."""
    found: Any = metadata.metadata(name)
    if expression := found.get("License-Expression"):
        return {expression}
    classified = [text.split(" :: ")[-1] for text in found.get_all("Classifier") or [] if text.startswith("License")]
    said = [*classified, (found.get("License") or "").strip()]
    return {spdx for text in said for word, spdx in WORDS.items() if text.lower().startswith(word)}


def test_each_licence_is_the_one_that_the_package_states() -> None:
    here = {found.metadata["Name"].lower().replace("_", "-") for found in metadata.distributions()}
    shipped = {each.name: each.licence for each in shipped_packages() if each.name in here}

    wrong = {
        name: (licence, stated)
        for name, licence in shipped.items()
        if not (stated := stated_by(name)) or not any(licence.startswith(text) for text in stated)
    }

    assert shipped
    assert wrong == {}


def test_each_package_has_its_hashes_and_what_it_needs() -> None:
    found = {each.name: each for each in shipped_packages()}

    assert all(each.hashes and all(len(digest) == 64 for digest in each.hashes) for each in found.values())
    assert {"asgiref", "sqlparse"} <= set(found["django"].needs)
    # What an extra asks for is shipped for it.
    assert {"psycopg-binary", "psycopg-pool"} <= set(found["psycopg"].needs)


def test_the_page_of_licences_is_current() -> None:
    assert licences.DOCUMENT.read_text() == licences.render(shipped_packages())


@pytest.mark.parametrize(
    ("licence", "says"),
    [("", "Nobody has read the licence of waitress"), ("AGPL-3.0-only", "waitress comes under AGPL-3.0-only")],
    ids=["not read", "not allowed"],
)
def test_no_other_licence_is_shipped(licence: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "licences.toml").write_text(f'waitress = "{licence}"\n' if licence else "")
    (tmp_path / "requirements.txt").write_text(f"waitress==3.0.2 \\\n    --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(packages, "LICENCES", tmp_path / "licences.toml")

    with pytest.raises(LicenceError, match=says):
        shipped_packages(tmp_path / "requirements.txt")
