"""AUDIT: asks, by pip-audit, whether a shipped package has a known vulnerability.

An index that can't be asked, or does not know, is said and is no failure: what nobody can tell should stop nobody.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from release.packages import ROOT

PROGRAM = (str(ROOT / ".venv" / "audit" / "bin" / "python"), "-m", "pip_audit")
OPTIONS = ("--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off")


def main(program: Sequence[str] = PROGRAM) -> int:
    """1 if a vulnerability is known, else 0."""
    ended = subprocess.run(
        [*program, *OPTIONS, "--requirement", str(ROOT / "requirements.txt")],
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        said = ended.stderr.strip().splitlines()
        print(f"The index could not be asked for vulnerabilities: {said[-1] if said else 'it gave no reason'}")
        return 0
    return tell(packages)


def tell(packages: Sequence[dict[str, Any]]) -> int:
    found = [(each, known) for each in packages for known in each.get("vulns", ())]
    for each, known in found:
        mended = ", ".join(known.get("fix_versions") or ()) or "none yet"
        print(f"{each['name']} {each['version']}: {known['id']}, mended in {mended}.", file=sys.stderr)
    unknown = sum("skip_reason" in each for each in packages)
    if unknown:
        print(f"Of {unknown} of {len(packages)} packages the index could not tell anything.")
    print(f"{len(found)} known vulnerabilities in {len(packages) - unknown} packages.")
    return 1 if found else 0
