"""What a run costs: requests to Devin, and statements to the database where nothing is recorded together.

Both are what `python -m benchmarks` measures in seconds; here a regression shows at once.
"""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, wait
from math import ceil

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from sandbox.organization import Duplicates
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Status
from syncs.engine.work import Answer
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True)]
A_PAGE = 200


def requests(sandbox: Sandbox) -> Counter[str]:
    return Counter(sandbox.log.counts())


def numbered(count: int, value: str) -> dict[str, str]:
    return {f"KEY_{number}": f"{value}-{number}" for number in range(count)}


@pytest.mark.parametrize("held", [0, 1, 199, 200, 201, 400, 401])
def test_a_run_lists_each_page_once(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, held: int
) -> None:
    bench.options(key_schema="APP_{{secretKey}}")
    for number in range(held):
        organization.put(key=f"OTHER_{number}", value="s")

    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert requests(sandbox) == {"GET": max(1, ceil(held / A_PAGE))}
    assert run.requests_sent == sandbox.log.counts()["GET"]


def test_a_create_is_one_request(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(**numbered(9, "1"))

    run = bench.run()

    assert requests(sandbox) == {"GET": 1, "POST": 9}
    assert run.requests_sent == 10


@pytest.mark.parametrize(
    ("mode", "costs"),
    [
        pytest.param(Duplicates.ALLOW, {"POST": 1, "DELETE": 1}, id="duplicates allowed, two"),
        pytest.param(Duplicates.REJECT_409, {"POST": 2, "DELETE": 1}, id="refused with 409, three"),
        pytest.param(Duplicates.REJECT_422, {"POST": 2, "DELETE": 1}, id="refused with 422, three"),
    ],
)
def test_a_replace_is_two_requests_or_three(
    bench: Bench, sandbox: Sandbox, mode: Duplicates, costs: dict[str, int]
) -> None:
    sandbox.settings.duplicates = mode
    bench.source(**numbered(5, "1"))
    bench.run()
    sandbox.clear_traffic()

    bench.source(**numbered(5, "2"))
    run = bench.run()

    assert run.replaced_count == 5
    assert requests(sandbox) == {"GET": 1, **{method: 5 * count for method, count in costs.items()}}


@pytest.mark.usefixtures("no_pause")
def test_an_overwritten_secret_is_looked_for_in_a_second_list(bench: Bench, sandbox: Sandbox) -> None:
    sandbox.settings.duplicates = Duplicates.OVERWRITE
    bench.source(**numbered(5, "1"))
    bench.run()
    sandbox.clear_traffic()

    bench.source(**numbered(5, "2"))
    run = bench.run()

    assert run.replaced_count == 5
    assert requests(sandbox) == {"GET": 2, "POST": 5, "DELETE": 5}


def test_a_delete_is_one_request(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(**numbered(9, "1"))
    bench.run()
    bench.options(guard_max_percent=100)
    sandbox.clear_traffic()

    bench.source(**numbered(2, "1"))
    run = bench.run()

    assert run.deleted_count == 7
    assert requests(sandbox) == {"GET": 1, "DELETE": 7}


def test_a_rename_is_two_requests(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(**{f"OLD_{number}": f"{number}" for number in range(5)})
    bench.run()
    sandbox.clear_traffic()

    bench.source(**{f"NEW_{number}": f"{number}" for number in range(5)})
    run = bench.run()

    assert (run.renamed_count, run.created_count, run.deleted_count) == (5, 0, 0)
    assert requests(sandbox) == {"GET": 1, "POST": 5, "DELETE": 5}


def test_a_kept_secret_costs_nothing(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(**numbered(9, "1"))
    bench.run()
    sandbox.clear_traffic()

    run = bench.run()

    assert (run.kept_count, run.requests_sent) == (9, 1)
    assert requests(sandbox) == {"GET": 1}


def test_a_mixed_run_costs_the_sum_and_no_last_list(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(KEPT="1", R1="1", R2="1", D1="d", D2="d", D3="d")
    bench.options(guard_max_percent=50)
    bench.run()
    sandbox.clear_traffic()

    bench.source(KEPT="1", R1="2", R2="2", C1="c", C2="c", C3="c", C4="c")
    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert requests(sandbox) == {"GET": 1, "POST": 4 + 2 * 2, "DELETE": 2 + 3}
    assert [entry.method for entry in sandbox.log.requests()].index("GET") == 0


@pytest.mark.usefixtures("no_pause")
def test_an_answer_that_leaves_open_what_happened_costs_one_more_list(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(**numbered(9, "1"))
    sandbox.faults.add("cut", moment="after", method="POST", key="KEY_3")

    run = bench.run()

    assert run.status == Status.SUCCEEDED, run.message
    assert requests(sandbox) == {"GET": 2, "POST": 9}


def test_a_source_that_cannot_be_read_ends_the_run_whatever_the_list_does(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="${NOWHERE}")
    under_way = sandbox.faults.add("hold", method="GET")

    run = bench.run()

    under_way.release()
    assert run.status == Status.FAILED
    assert "NOWHERE" in run.message
    assert not sandbox.log.writes()


@pytest.mark.usefixtures("never_idle")
def test_a_run_keeps_its_connections(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(**numbered(40, "1"))

    bench.run()

    assert len({entry.connection for entry in sandbox.log.requests()}) <= bench.sync.connection.concurrency


# Statements


def statements(bench: Bench) -> int:
    """How many a run needs, not counting where transactions begin and end."""
    with CaptureQueriesContext(database) as captured:
        run = bench.run()
    assert run.status == Status.SUCCEEDED, run.message
    around = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return sum(not query["sql"].startswith(around) for query in captured)


@pytest.fixture
def one_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst case, whoever is quicker, the database or Devin: each answer is recorded by itself, in the order in
    which the requests were sent, and each intent is opened by itself."""

    def oldest(running: Iterable[Future[Answer]], return_when: str) -> tuple[list[Future[Answer]], object]:
        first, *others = running
        wait([first])
        return [first], others

    monkeypatch.setattr("syncs.engine.apply.wait", oldest)
    bench.sync.connection.concurrency = 1
    bench.sync.connection.save()


def test_keeping_costs_as_many_statements_for_few_secrets_as_for_many(bench: Bench) -> None:
    bench.source(**numbered(3, "1"))
    bench.run()
    few = statements(bench)
    bench.source(**numbered(120, "1"))
    bench.run()

    many = statements(bench)

    assert many == few
    assert many <= 52


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("mode", [Duplicates.ALLOW, Duplicates.REJECT_409], ids=["two requests", "three"])
def test_a_replace_costs_nine_statements(bench: Bench, sandbox: Sandbox, mode: Duplicates) -> None:
    sandbox.settings.duplicates = mode
    bench.source(**numbered(40, "1"))
    bench.run()
    bench.source(**numbered(40, "1") | numbered(10, "2"))
    ten = statements(bench)
    bench.source(**numbered(40, "3"))

    forty = statements(bench)

    assert forty - ten == 30 * 9


@pytest.mark.usefixtures("one_at_a_time")
def test_a_create_and_a_delete_cost_seven_statements(bench: Bench) -> None:
    bench.options(guard_max_deletions=1000, guard_max_percent=100)
    bench.source(**numbered(1, "1"))
    bench.run()
    bench.source(**numbered(11, "1"))
    ten_creates = statements(bench)
    bench.source(**numbered(51, "1"))
    forty_creates = statements(bench)
    bench.source(**numbered(41, "1"))
    ten_deletes = statements(bench)
    bench.source(**numbered(1, "1"))

    forty_deletes = statements(bench)

    assert forty_creates - ten_creates == 30 * 7
    assert forty_deletes - ten_deletes == 30 * 7
