"""The command of the claims counts what tests report, and takes no test that did not pass for a proof."""

from pathlib import Path

import pytest

from tests.claims import CLAIMS, ROOT, Claim, prove

CLAIM = Claim("numbers: {even} of {seen} even, {passed} of {tests} tests", ("test_numbers.py",))
TESTS = """
import pytest

@pytest.mark.parametrize("number", [2, 4, 6])
def test_is_even(number, record_property):
    record_property("seen", 1000)
    assert number % 2 == 0
    record_property("even", 1)
"""
SKIPPED = """
def test_waits_for_a_program():
    pytest.skip("It is not installed.")
"""


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (TESTS, "yes  numbers: 3 of 3,000 even, 3 of 3 tests"),
        (TESTS.replace("6", "5"), "NO   numbers: 2 of 3,000 even, 2 of 3 tests (1 with failure)"),
        (TESTS + SKIPPED, "NO   numbers: 3 of 3,000 even, 3 of 4 tests (1 with skipped)"),
        (TESTS.replace('"even"', '"odd"'), "NO   numbers: ? of 3,000 even, 3 of 3 tests (no test reports even)"),
        ("import nothing_of_this_name", None),
        ("", "NO   numbers: ? of ? even, 0 of 0 tests (no test ran of test_numbers.py)"),
    ],
)
def test_says_what_the_tests_came_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tests: str, said: str | None
) -> None:
    # What these few tests have no use for takes longer than they do.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "test_numbers.py").write_text(tests)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    finding = prove(CLAIM, tmp_path)

    assert finding.against if said is None else str(finding) == said


def test_each_claim_names_tests_that_are_there() -> None:
    assert [test for claim in CLAIMS for test in claim.tests if not (ROOT / test).exists()] == []
