"""`python -m release sbom|licences|audit|build`; the Makefile's way in."""

import argparse
import sys
from pathlib import Path

from release import archive, audit, licences, sbom
from release.changelog import ChangelogError
from release.packages import ROOT, LicenceError, shipped_packages


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sbom", help="print the bill of materials of what is shipped, by CycloneDX")
    commands.add_parser("licences", help="write docs/licences.md anew")
    commands.add_parser("audit", help="ask whether a shipped package has a known vulnerability; 1 if one has")
    building = commands.add_parser("build", help="make the files of a release")
    building.add_argument("--into", type=Path, default=ROOT / "dist", metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        return carry_out(arguments)
    except (archive.NotReady, ChangelogError, LicenceError) as error:
        print(f"devinsync: {error}", file=sys.stderr)
        return 1


def carry_out(arguments: argparse.Namespace) -> int:
    if arguments.command == "audit":
        return audit.main()
    if arguments.command == "licences":
        licences.write(shipped_packages())
    elif arguments.command == "sbom":
        commit = archive.head(ROOT)
        print(sbom.render(shipped_packages(), made_at=commit.made_at, commit=commit.id), end="")
    else:
        for path in archive.build(ROOT, arguments.into):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
