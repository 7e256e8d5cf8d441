"""`make claims`: what this product claims of who gets in, who may and who did it, each by a fresh run of its tests.

    make claims                                       all; takes minutes
    make claims ARGS="audit"                          those whose line begins so

A claim is a line in `CLAIMS`: the tests that hold it, and a sentence with the counters that they report, by pytest's
`record_property`. The counters of several tests add up. `passed` and `tests` are counted of every claim. The status
is 0 if each claim holds: no test failed or was skipped, some ran, and every counter of the sentence was reported.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Claim:
    """A sentence with counters in braces, and the tests that report them, as pytest takes them."""

    says: str
    tests: tuple[str, ...]

    @property
    def counters(self) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(self.says) if name}


@dataclass(frozen=True)
class Finding:
    """What a run of a claim's tests came to: the sentence with its figures, and what speaks against it."""

    says: str
    against: str

    def __str__(self) -> str:
        return f"NO   {self.says} ({self.against})" if self.against else f"yes  {self.says}"


CLAIMS = (
    Claim("authorization: {agreed} of {asked} calls of the API as declared", ("tests/api/test_authorization.py",)),
    Claim(
        "authorization: {passed} of {tests} tests of the pages' routes and roles",
        ("tests/syncs/admin/test_permissions.py", "tests/accounts/second_factor/test_routes.py"),
    ),
    Claim("audit: {requests} changing requests, {entries} entries", ("tests/audit/test_routes.py",)),
    Claim("audit: altered row named {named} of {altered}", ("tests/audit/test_every_alteration.py",)),
    Claim(
        "two teams: {leaks} leaks and {changes} changes in {requests} requests for what is the other's, {forms} of them"
        " forms that were sent",
        ("tests/tenants",),
    ),
    Claim(
        "second pair of eyes: {own} of {ways} ways of a change are not its author's to approve",
        ("tests/syncs/runs/test_whose_plan.py",),
    ),
    Claim("canaries: found in {found} of {places} places", ("tests/test_canary.py",)),
    Claim("second factor: {passed} of {tests} tests", ("tests/accounts/second_factor",)),
    Claim("log-in at a certified provider: {passed} of {tests} tests", ("tests/single_sign_on",)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.claims", description=__doc__.partition("\n")[0])
    parser.add_argument("beginnings", nargs="*", metavar="CLAIM", help="how the lines begin that are wanted")
    wanted = tuple(parser.parse_args(arguments).beginnings)
    chosen = [claim for claim in CLAIMS if not wanted or claim.says.startswith(wanted)]
    if not chosen:
        parser.error(f"no claim begins with {' or '.join(wanted)}")
    findings = []
    for claim in chosen:
        findings.append(prove(claim, ROOT))
        print(findings[-1], flush=True)
    return int(any(finding.against for finding in findings))


def prove(claim: Claim, folder: Path) -> Finding:
    """Runs the tests of a claim in this folder, in a process of their own."""
    with tempfile.TemporaryDirectory(prefix="devinsync-claims-") as kept:
        report = Path(kept) / "report.xml"
        # The newer family of reports has no place for what tests report.
        options = ["-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *claim.tests]
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return judge(claim, report.read_text() if report.exists() else "<testsuites/>")


def judge(claim: Claim, report: str) -> Finding:
    """What JUnit's XML, as pytest writes it, says of a claim."""
    cases = list(ElementTree.fromstring(report).iter("testcase"))  # noqa: S314 -- written by our own pytest
    counted = Counter({"tests": len(cases), "passed": 0})
    against: Counter[str] = Counter()
    for case in cases:
        outcomes = {child.tag for child in case} & {"failure", "error", "skipped"}
        counted["passed"] += not outcomes
        against.update(outcomes)
        for told in case.iter("property"):
            counted[str(told.get("name"))] += int(told.get("value", ""))
    faults = [f"{count} with {word}" for word, count in sorted(against.items())]
    faults += [f"no test reports {name}" for name in sorted(claim.counters - set(counted))]
    if not cases:
        faults = [f"no test ran of {' '.join(claim.tests)}"]
    figures = {name: f"{counted[name]:,}" if name in counted else "?" for name in claim.counters}
    return Finding(claim.says.format(**figures), ", ".join(faults))


if __name__ == "__main__":
    sys.exit(main())
