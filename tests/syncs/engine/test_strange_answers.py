"""What anybody may write into an organization, and what a hostile service may answer: read, or refused in words."""

from typing import Any

import pytest

from sandbox.organization import Organization as SandboxOrganization
from syncs.choices import Status
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause")]


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "members",
    [
        {"key": "A\x00B"},
        {"key": "\ud800"},
        {"key": "K" * 5000},
        {"key": "THEIRS", "note": "\x00\udfff" * 100_000},
        {"key": "THEIRS", "secret_type": "t" * 500},
        {"key": "\N{RIGHT-TO-LEFT OVERRIDE}SRIEHT\x1b[2J"},
    ],
    ids=["NUL", "half a pair", "long key", "long note", "long type", "control characters"],
)
def test_a_strange_secret_of_others_holds_nothing_up(
    bench: Bench, organization: SandboxOrganization, members: dict[str, Any]
) -> None:
    bench.source(A="1")
    organization.put(**members)

    run = bench.run()

    assert (run.status, run.created_count) == (Status.SUCCEEDED, 1), run.message
    assert organization.values()["A"] == "1"


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "members",
    [
        {"created_at": 10**30},
        {"updated_at": 2**63},
        {"created_at": -(10**30)},
        {"secret_id": "s" * 256},
        {"secret_id": "\ud800"},
    ],
)
def test_what_no_column_holds_is_said_in_words(
    bench: Bench, organization: SandboxOrganization, members: dict[str, Any]
) -> None:
    bench.source(A="1")
    organization.put(key="THEIRS", **members)

    run = bench.run()

    assert run.status == Status.PENDING
    assert f"something else than expected ({next(iter(members))})" in run.message
    assert "A" not in organization.values()
