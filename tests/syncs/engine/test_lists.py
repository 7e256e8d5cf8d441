"""Lists that lie: nothing is written and nothing deleted on the strength of a list that cannot be right."""

import json

import pytest

from connections.devin.types import RemoteSecret
from sandbox.faults import LIES, Kind
from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Operation, Status
from syncs.engine.preview import preview
from syncs.errors import DestinationProblem
from syncs.models import ManagedSecret, WriteIntent
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pause")]
PAGES_OF = 2
# Without a total, a secret that vanishes between two pages of a list by offset hides another: nobody could tell.
TELLTALE = sorted(LIES - {Kind.ITEM_REMOVED, Kind.SHUFFLE})
ITEM = {
    "secret_id": "secret-1",
    "key": "A",
    "note": None,
    "is_sensitive": True,
    "created_at": 1,
    "updated_at": None,
    "secret_type": "key-value",
    "access_type": "org",
}
PAGE = {"items": [ITEM], "end_cursor": None, "has_next_page": False, "total": 1}


@pytest.fixture
def changed(bench: Bench, sandbox: Sandbox) -> Bench:
    """A sync whose next run has something to create, to replace and to delete, over several pages."""
    bench.source(A="1", B="1", C="1", D="1", E="1")
    bench.run()
    sandbox.settings.page_size = PAGES_OF
    bench.source(A="1", B="2", C="1", NEW="1")
    sandbox.clear_traffic()
    return bench


@pytest.mark.parametrize("lie", sorted(LIES))
def test_no_mutation_follows(changed: Bench, sandbox: Sandbox, organization: SandboxOrganization, lie: Kind) -> None:
    before = organization.secrets()
    sandbox.faults.add(lie, times=None)

    run = changed.run()

    assert not sandbox.log.writes()
    assert organization.secrets() == before
    assert run.status == Status.PENDING
    assert "Could not list the secrets of org-sandbox" in run.message
    assert "Nothing is changed on the strength of such a list" in run.message


def test_no_mutation_follows_where_lists_tell_no_total(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.settings.totals = False
    for lie in TELLTALE:
        sandbox.faults.add(lie, times=None)

        run = changed.run()

        assert not sandbox.log.writes(), lie
        assert run.status in (Status.PENDING, Status.FAILED), lie
        sandbox.faults.clear()


@pytest.mark.parametrize("mode", [Duplicates.REJECT_409, Duplicates.REJECT_422])
@pytest.mark.parametrize("lie", [Kind.ITEM_REMOVED, Kind.SHUFFLE])
def test_a_secret_hidden_from_a_list_is_not_lost(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization, lie: Kind, mode: Duplicates
) -> None:
    sandbox.settings.totals, sandbox.settings.duplicates = False, mode
    sandbox.faults.add(lie)

    run = changed.run()
    if not run.is_finished:
        changed.carry_out(run)
    changed.run()

    assert organization.values() == {"A": "1", "B": "2", "C": "1", "NEW": "1"}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_one_lie_is_forgotten_by_the_next_attempt(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization, lie: Kind
) -> None:
    sandbox.faults.add(lie)

    run = changed.run()
    changed.carry_out(run)

    assert (run.status, run.attempt) == (Status.SUCCEEDED, 2)
    assert organization.values() == {"A": "1", "B": "2", "C": "1", "NEW": "1"}


def test_a_lie_after_the_first_writes_ends_the_attempt(
    changed: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    sandbox.faults.add(Kind.CUT, method="POST", key="NEW", moment="after")
    sandbox.faults.add(Kind.NULL_CURSOR, skip=1, times=None)

    run = changed.run()

    assert run.status == Status.PENDING
    assert {entry.key for entry in sandbox.log.requests("DELETE")} <= {"B", "D", "E"}
    assert {secret.key for secret in organization.secrets()} >= {"A", "B", "C", "NEW"}


def test_an_intent_is_not_settled_by_a_lie(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.faults.add(Kind.CUT, method="POST", key="NEW", moment="after")
    sandbox.faults.add(Kind.REPEATED_PAGE, skip=1, times=None)

    changed.run()

    assert list(WriteIntent.objects.open().values_list("destination_key", flat=True)) == ["NEW"]


def test_no_mutation_follows_an_unreadable_list(changed: Bench, sandbox: Sandbox) -> None:
    for kind in (Kind.NOT_JSON, Kind.HTML, Kind.TRUNCATE, Kind.DEEP_JSON, Kind.INVALID_UTF8, Kind.CUT):
        sandbox.faults.add(kind, method="GET", times=None)

        run = changed.run()

        assert not sandbox.log.writes(), kind
        assert run.status in (Status.PENDING, Status.FAILED), kind
        sandbox.faults.clear()


MALFORMED: list[object] = [
    {},
    [],
    None,
    PAGE | {"items": None},
    PAGE | {"items": {}},
    PAGE | {"items": [None]},
    PAGE | {"items": [ITEM | {"secret_id": None}]},
    PAGE | {"items": [ITEM | {"secret_id": 7}]},
    PAGE | {"items": [ITEM | {"key": 7}]},
    PAGE | {"items": [ITEM | {"created_at": "yesterday"}]},
    PAGE | {"items": [ITEM | {"access_type": None}]},
    PAGE | {"items": [ITEM, ITEM], "total": 2},
    PAGE | {"has_next_page": None},
    PAGE | {"has_next_page": "false"},
    PAGE | {"has_next_page": True},
    PAGE | {"total": "1"},
    PAGE | {"total": 2},
    PAGE | {"total": 0},
    PAGE | {"total": float("nan")},
]


def test_no_mutation_follows_a_malformed_page(changed: Bench, sandbox: Sandbox) -> None:
    for page in MALFORMED:
        sandbox.faults.add(Kind.STATUS, method="GET", status=201, body=json.dumps(page), times=None)

        run = changed.run()

        assert not sandbox.log.writes(), page
        assert run.status in (Status.PENDING, Status.FAILED), page
        sandbox.faults.clear()


def test_what_devin_may_add_to_a_page_is_let_through(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.settings.page_size = None
    listed = [secret.as_item() | {"colour": "blue"} for secret in sandbox.organization().secrets()]
    page = PAGE | {"items": listed, "total": len(listed), "took_ms": 3}
    sandbox.faults.add(Kind.STATUS, method="GET", status=201, body=json.dumps(page))

    assert changed.run().status == Status.SUCCEEDED


def test_no_removal_follows_either(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.faults.add(Kind.WRONG_TOTAL, times=None)

    run = changed.run(operation=Operation.REMOVE)

    assert not sandbox.log.writes()
    assert run.status == Status.PENDING
    assert ManagedSecret.objects.count() == 5


def test_no_preview_either(changed: Bench, sandbox: Sandbox) -> None:
    sandbox.faults.add(Kind.SAME_ID_TWICE, times=None)

    with pytest.raises(DestinationProblem, match="it had one secret twice") as raised:
        preview(changed.sync)

    assert raised.value.retryable


def test_many_pages_are_one_list(bench: Bench, sandbox: Sandbox, organization: SandboxOrganization) -> None:
    sandbox.settings.page_size = 3
    bench.source(**{f"KEY_{number}": "1" for number in range(10)})
    bench.run()
    sandbox.clear_traffic()

    run = bench.run()

    assert run.kept_count == 10
    assert sandbox.log.counts() == {"GET": 4}


def test_a_secret_prints_no_value() -> None:
    assert "value" not in vars(RemoteSecret.parse(ITEM | {"value": "canary"}))
