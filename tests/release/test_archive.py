"""`make release`: the files of a commit that is ready, and of no other."""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from django.conf import settings

from release.archive import NotReady, build

ROOT = Path(settings.BASE_DIR)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.3 – 2026-11-26\n\n- Adds a thing.\n"
NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
FILES = {"devinsync-1.2.3.tar.gz", "devinsync-1.2.3.cdx.json", "devinsync-1.2.3.licences.md", "SHA256SUMS"}


def git(checkout: Path, *arguments: str) -> None:
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    subprocess.run(["git", *who, *arguments], cwd=checkout, env=os.environ | NOBODY, check=True, stdout=subprocess.PIPE)


def commit(checkout: Path) -> None:
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "Cut version 1.2.3")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A commit that is ready."""
    root = tmp_path / "checkout"
    (root / "docs").mkdir(parents=True)
    for name in ("requirements.txt", "docs/licences.md"):
        shutil.copyfile(ROOT / name, root / name)
    (root / "CHANGELOG.md").write_text(CHANGELOG)
    git(root, "init", "--quiet")
    commit(root)
    return root


def test_makes_the_source_with_its_materials_licences_and_sums(checkout: Path, tmp_path: Path) -> None:
    made = build(checkout, tmp_path / "dist", "1.2.3")

    assert {path.name for path in made} == FILES == {path.name for path in (tmp_path / "dist").iterdir()}
    sums = dict(line.split("  ")[::-1] for line in (tmp_path / "dist" / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == FILES - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((tmp_path / "dist" / name).read_bytes()).hexdigest() == digest
    source = gzip.decompress((tmp_path / "dist" / "devinsync-1.2.3.tar.gz").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(source)) as archive:
        names = archive.getnames()
    assert {"devinsync-1.2.3/CHANGELOG.md", "devinsync-1.2.3/requirements.txt"} <= set(names)


def test_makes_the_same_bytes_again_and_elsewhere(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(checkout), "elsewhere")
    mask = os.umask(0o077)
    try:
        first = build(checkout, tmp_path / "first", "1.2.3")
    finally:
        os.umask(mask)
    second = build(tmp_path / "elsewhere", tmp_path / "second", "1.2.3")

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_refuses_what_is_not_committed(checkout: Path, tmp_path: Path) -> None:
    (checkout / "stray").write_text("")

    with pytest.raises(NotReady, match="not committed"):
        build(checkout, tmp_path / "dist", "1.2.3")

    assert not (tmp_path / "dist").exists()


def test_refuses_a_version_that_is_tagged(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "tag", "v1.2.3")

    with pytest.raises(NotReady, match=r"1\.2\.3 is tagged already"):
        build(checkout, tmp_path / "dist", "1.2.3")


@pytest.mark.parametrize(
    ("changelog", "says"),
    [
        (CHANGELOG.replace("1.2.3", "1.2.2"), r"no section `## 1\.2\.3"),
        ("## Unreleased\n", r"no section `## 1\.2\.3"),
        (CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n- Adds more.\n"), "still has lines"),
    ],
    ids=["another version", "no version", "lines of the next"],
)
def test_refuses_a_changelog_without_it(checkout: Path, tmp_path: Path, changelog: str, says: str) -> None:
    (checkout / "CHANGELOG.md").write_text(changelog)
    commit(checkout)

    with pytest.raises(NotReady, match=says):
        build(checkout, tmp_path / "dist", "1.2.3")


def test_refuses_licences_of_other_packages(checkout: Path, tmp_path: Path) -> None:
    (checkout / "docs" / "licences.md").write_text("# Licences\n")
    commit(checkout)

    with pytest.raises(NotReady, match="make licences"):
        build(checkout, tmp_path / "dist", "1.2.3")
