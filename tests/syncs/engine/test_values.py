"""Values arrive as they are, and keys that a person would not expect do no harm."""

import pytest

from sandbox.organization import Organization as SandboxOrganization
from syncs.choices import Status
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True)]

VALUES = {
    "EMPTY": "",
    "BLANK": "  ",
    "LINES": "one\r\ntwo\n",
    "TAB": "\t",
    "QUOTES": "\"double\" 'single' `back`",
    "BACKSLASHES": "C:\\new\\table",
    "BRACES": "{{secretKey}} {% raw %} %(name)s {0}",
    "DOLLARS": "$HOME $$ $(date)",
    "UNICODE": "clé 鍵 🔑 e\u0301",
    "CONTROL": "\x01\x7f\u2028",
    "JSON": '{"a": [1, null]}',
    "PEM": "-----BEGIN KEY-----\n" + "A" * 64 + "\n-----END KEY-----\n",
    "LONG": "x" * 60_000,
    "LOOKS_SEALED": "ds1.0badc0de.AAAA",
}


def test_values_arrive_as_they_are(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(**VALUES)

    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert organization.values() == VALUES


def test_and_are_known_again(bench: Bench) -> None:
    bench.source(**VALUES)
    bench.run()

    run = bench.run()

    assert (run.kept_count, run.changes.count()) == (len(VALUES), 0)


@pytest.mark.parametrize(("before", "after"), [("", " "), ("a", "A"), ("e\u0301", "é"), ("1", "1\n")])
def test_values_that_look_alike_are_not_the_same(
    bench: Bench, organization: SandboxOrganization, before: str, after: str
) -> None:
    bench.source(A=before)
    bench.run()

    bench.source(A=after)
    run = bench.run()

    assert (run.replaced_count, organization.values()) == (1, {"A": after})


def test_two_keys_that_swap_their_values_are_both_replaced(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(A="1", B="2")
    bench.run()

    bench.source(A="2", B="1")
    run = bench.run()

    assert run.replaced_count == 2
    assert organization.values() == {"A": "2", "B": "1"}


def test_keys_that_differ_in_case_are_two_keys(bench: Bench, organization: SandboxOrganization) -> None:
    bench.source(key="1", KEY="2")

    bench.run()

    assert organization.values() == {"key": "1", "KEY": "2"}


def test_a_long_key_under_a_long_schema(bench: Bench, organization: SandboxOrganization) -> None:
    bench.options(key_schema="P" * 242 + "{{secretKey}}")
    bench.source(**{"K" * 255: "1"})

    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert list(organization.values()) == ["P" * 242 + "K" * 255]


def test_a_warning_of_keys_that_sessions_see_otherwise_is_on_the_run(bench: Bench) -> None:
    bench.options(key_schema="app/{{secretKey}}")
    bench.source(A="1")

    run = bench.run()

    assert run.warnings == ["app/A is not an environment variable name: Devin shows it to its sessions as app_A."]
