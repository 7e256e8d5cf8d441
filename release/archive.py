"""BUILD: the files of a release, of a commit that is ready for it, the same bytes whoever makes them.

devinsync-1.0.0.tar.gz       the source, by `git archive`
devinsync-1.0.0.cdx.json     the bill of materials
devinsync-1.0.0.licences.md  docs/licences.md
SHA256SUMS                   of these, for `sha256sum --check`
"""

import gzip
import hashlib
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from common.version import VERSION
from release import licences, sbom
from release.changelog import released_sections, unreleased
from release.packages import shipped_packages


class NotReady(Exception):
    """The commit can't be released as it is. The message says why, and what to do."""


@dataclass(frozen=True)
class Commit:
    id: str
    made_at: datetime


def build(root: Path, into: Path, version: str = VERSION) -> list[Path]:
    """The files, made. Raises NotReady, ChangelogError and LicenceError, with nothing made."""
    require_ready(root, version)
    commit, packages = head(root), shipped_packages(root / "requirements.txt")
    document = licences.render(packages)
    if (root / "docs" / "licences.md").read_text() != document:
        raise NotReady("docs/licences.md is not that of requirements.txt. Run `make licences`, and commit it.")
    name = f"devinsync-{version}"
    contents = {
        f"{name}.tar.gz": gzip.compress(source(root, commit, name), mtime=0),
        f"{name}.cdx.json": sbom.render(packages, made_at=commit.made_at, commit=commit.id).encode(),
        f"{name}.licences.md": document.encode(),
    }
    sums = [f"{hashlib.sha256(content).hexdigest()}  {file}\n" for file, content in contents.items()]
    contents["SHA256SUMS"] = "".join(sums).encode()
    into.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():
        (into / file).write_bytes(content)
    return [into / file for file in contents]


def require_ready(root: Path, version: str) -> None:
    if git(root, "status", "--porcelain"):
        raise NotReady("There are changes that are not committed. A release is made of a commit.")
    if git(root, "tag", "--list", f"v{version}"):
        raise NotReady(f"Version {version} is tagged already. Raise the version in pyproject.toml, or go to its tag.")
    changelog = (root / "CHANGELOG.md").read_text()
    sections = released_sections(changelog)
    if not sections or sections[0].version != version:
        raise NotReady(f"CHANGELOG.md has no section `## {version} – <day>` below `## Unreleased`. Write it first.")
    if unreleased(changelog):
        raise NotReady(f"CHANGELOG.md still has lines below `## Unreleased`. Move them to {version}, or take them out.")


def head(root: Path) -> Commit:
    commit, made_at = git(root, "show", "--no-patch", "--format=%H %cI", "HEAD").split()
    return Commit(commit, datetime.fromisoformat(made_at))


def source(root: Path, commit: Commit, name: str) -> bytes:
    """A tar with the times of the commit, whatever the machine's mask."""
    command = ["git", "-c", "tar.umask=0022", "archive", "--format=tar", f"--prefix={name}/", commit.id]
    return subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True).stdout


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
