"""`make audit` is red for a known vulnerability, and for nothing else."""

import json
import sys
from typing import Any

import pytest

from release import audit

SAFE = {"name": "django", "version": "5.2.19", "vulns": []}
KNOWN = {"name": "rq", "version": "1.0", "vulns": [{"id": "GHSA-1", "fix_versions": ["1.1"]}]}
NOT_MENDED = {"name": "rq", "version": "1.0", "vulns": [{"id": "GHSA-2", "fix_versions": []}]}
NOT_TOLD = {"name": "redis", "skip_reason": "Dependency not found"}


def audited(*packages: dict[str, Any], status: int = 0) -> int:
    """By a program that answers as pip-audit does."""
    answer = json.dumps({"dependencies": packages, "fixes": []})
    return audit.main([sys.executable, "-c", f"import sys; print({answer!r}); sys.exit({status})"])


def test_a_known_vulnerability_is_told_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(SAFE, KNOWN, NOT_MENDED, status=1) == 1

    told = capsys.readouterr()
    assert told.err == "rq 1.0: GHSA-1, mended in 1.1.\nrq 1.0: GHSA-2, mended in none yet.\n"
    assert told.out == "2 known vulnerabilities in 3 packages.\n"


def test_what_nobody_can_tell_is_said_and_fails_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(SAFE, NOT_TOLD) == 0

    assert "Of 1 of 2 packages the index could not tell anything." in capsys.readouterr().out


def test_an_index_out_of_reach_fails_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    program = [sys.executable, "-c", "import sys; sys.exit('ConnectionError: no such host')"]

    assert audit.main(program) == 0

    assert "could not be asked for vulnerabilities: ConnectionError: no such host" in capsys.readouterr().out


def test_asks_for_what_is_shipped_by_its_hashes(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main([sys.executable, "-c", "import sys; sys.exit(' '.join(sys.argv[1:]))"]) == 0

    told = capsys.readouterr().out
    assert "--disable-pip --require-hashes" in told
    assert told.endswith("/requirements.txt\n")
