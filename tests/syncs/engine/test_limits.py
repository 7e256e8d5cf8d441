"""Limits: what Devin asks of us (patience, fewer at once), and what we ask of Devin (an end, a size, one address)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from connections.devin.client import DevinClient
from connections.models import Connection
from sandbox.faults import Kind
from sandbox.organization import Organization as SandboxOrganization
from sandbox.server import Sandbox
from syncs.choices import Status, Trigger
from syncs.models import SyncRun
from syncs.runs import schedule
from syncs.runs.ask import request_run
from syncs.runs.claim import claim
from tests.syncs.conftest import Bench
from tests.syncs.silence import give_up_on_silence

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[DevinClient]:
    """Those that connections have opened, in order."""
    opened: list[DevinClient] = []
    open_client = Connection.open_client

    def note(self: Connection, **options: object) -> DevinClient:
        opened.append(open_client(self, **options))  # type: ignore[arg-type]
        return opened[-1]

    monkeypatch.setattr(Connection, "open_client", note)
    return opened


@pytest.fixture
def elsewhere() -> Iterator[Sandbox]:
    """Another host, which must hear nothing."""
    with Sandbox() as server:
        yield server


def many(count: int, value: str = "1") -> dict[str, str]:
    return {f"KEY_{number:03}": value for number in range(count)}


# 429


def one_at_a_time(bench: Bench, sandbox: Sandbox) -> None:
    """Then nothing can be on its way while a 429 is answered, and whatever comes too early was sent too early."""
    bench.sync.connection.concurrency = 1
    bench.sync.connection.save()
    sandbox.settings.retry_after_grace = 0


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"retry_after": 1}, id="seconds"),
        pytest.param({"retry_after": 2, "as_date": True}, id="a date"),
        pytest.param({"retry_after": "soon"}, id="garbage"),
        pytest.param({"retry_after": "-5"}, id="a negative number"),
    ],
)
def test_waits_as_long_as_devin_asks_and_goes_on(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, asked: dict[str, object]
) -> None:
    bench.source(**many(8))
    one_at_a_time(bench, sandbox)
    sandbox.faults.add(Kind.RATE_LIMITED, method="POST", skip=2, times=1, **asked)

    run = bench.run()

    assert (run.status, run.attempt) == (Status.SUCCEEDED, 1)
    assert not sandbox.log.too_early()
    assert organization.values() == many(8)


def test_a_rate_limited_write_is_sent_again_under_the_same_nonce(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="1")
    sandbox.faults.add(Kind.RATE_LIMITED, method="POST")

    run = bench.run()

    notes = [entry.note for entry in sandbox.log.requests("POST")]
    assert (len(notes), len(set(notes))) == (2, 1)
    assert sandbox.log.counts() == {"GET": 1, "POST": 2}
    assert run.created_count == 1


def test_a_limit_of_sixty_requests_a_window_is_kept(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(**many(150))
    sandbox.settings.rate_per_minute, sandbox.settings.rate_window = 60, 1.0

    run = bench.run()

    assert (run.status, run.attempt) == (Status.SUCCEEDED, 1)
    assert organization.values() == many(150)
    refused = [entry for entry in sandbox.log.requests() if entry.status == 429]
    assert len(refused) <= 4 * 3


def test_nothing_is_sent_before_a_window_is_over(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization
) -> None:
    bench.source(**many(25))
    one_at_a_time(bench, sandbox)
    sandbox.settings.rate_per_minute, sandbox.settings.rate_window = 10, 1.0

    run = bench.run()

    assert (run.status, run.attempt) == (Status.SUCCEEDED, 1)
    assert organization.values() == many(25)
    assert not sandbox.log.too_early()


def test_concurrency_shrinks_by_half(bench: Bench, sandbox: Sandbox, clients: list[DevinClient]) -> None:
    bench.source(**many(10))
    sandbox.faults.add(Kind.RATE_LIMITED, method="POST")

    bench.run()

    assert clients[0].concurrency_now == 2


def test_concurrency_recovers(bench: Bench, sandbox: Sandbox, clients: list[DevinClient]) -> None:
    """The list meets the limit: all that follows it succeeds after that."""
    bench.source(**many(60))
    sandbox.faults.add(Kind.RATE_LIMITED, method="GET")

    bench.run()

    assert clients[0].concurrency_now == 4
    assert clients[0].rate_limited == 1


@pytest.mark.usefixtures("never_idle")
def test_never_more_at_once_than_the_connection_allows(bench: Bench, sandbox: Sandbox) -> None:
    sandbox.settings.latency = 0.02
    bench.source(**many(12))

    bench.run()

    spans = [(entry.arrived, entry.answered or 0.0) for entry in sandbox.log.requests("POST")]
    assert max(sum(start <= moment < end for start, end in spans) for moment, _ in spans) <= 4
    assert len({entry.connection for entry in sandbox.log.requests()}) <= 4


@pytest.fixture
def put_off(bench: Bench, sandbox: Sandbox) -> SyncRun:
    """A run that Devin asked to come back in three hundred years."""
    bench.source(A="1")
    sandbox.faults.add(Kind.RATE_LIMITED, method="POST", retry_after=10**10)
    return bench.run()


def test_a_long_wait_puts_the_run_back(put_off: SyncRun, bench: Bench) -> None:
    assert put_off.status == Status.PENDING
    assert put_off.not_before is not None
    assert timedelta(minutes=14) < put_off.not_before - timezone.now() <= timedelta(minutes=15)
    assert "Devin allows no more requests for 900 seconds" in put_off.message
    connection = Connection.objects.get()
    assert connection.rate_limited_for > timedelta(minutes=14)


def test_nothing_is_sent_over_the_connection_meanwhile(put_off: SyncRun, bench: Bench, sandbox: Sandbox) -> None:
    sandbox.log.clear()

    SyncRun.objects.update(not_before=None)
    claimed = claim(put_off.pk)
    joined = request_run(bench.sync, trigger=Trigger.MANUAL)
    assert claim(joined.pk) is None

    assert claimed is None
    assert not sandbox.log.requests()


def test_a_run_put_back_goes_on_when_its_time_has_come(
    put_off: SyncRun, bench: Bench, organization: SandboxOrganization, rung: list[str]
) -> None:
    rung.clear()
    assert schedule.tick() == 0
    past = timezone.now() - timedelta(seconds=1)
    Connection.objects.update(rate_limited_until=past)
    SyncRun.objects.update(not_before=past)

    schedule.tick()

    assert rung == [str(put_off.pk)]
    bench.carry_out(put_off)
    assert (put_off.status, put_off.attempt) == (Status.SUCCEEDED, 2)
    assert organization.values() == {"A": "1"}


# An end, a size, one address


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_list_that_drips_ends_at_the_deadline(
    bench: Bench, sandbox: Sandbox, settings: LazySettings, part: str
) -> None:
    settings.DEVIN_REQUEST_DEADLINE = timedelta(seconds=0.3)
    bench.source(A="1")
    sandbox.faults.add(Kind.DRIP, method="GET", part=part, seconds=0.05, times=None)

    run = bench.run()

    assert run.status == Status.PENDING
    assert not sandbox.log.writes()


def test_an_answer_that_drips_is_settled_by_the_next_list(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up_on_silence(monkeypatch)
    bench.source(A="1")
    sandbox.faults.add(Kind.DRIP, method="POST", seconds=0.05)

    run = bench.run()

    assert (run.status, run.created_count) == (Status.SUCCEEDED, 1)
    assert sandbox.log.counts() == {"GET": 2, "POST": 1}
    assert organization.values() == {"A": "1"}


@pytest.mark.usefixtures("no_pause")
def test_a_list_larger_than_the_cap_is_refused(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(A="1")
    sandbox.faults.add(Kind.HUGE, method="GET", size=9 * 1024 * 1024, times=None)

    run = bench.run()

    assert run.status == Status.PENDING
    assert "larger than 8 MiB" in run.message
    assert not sandbox.log.writes()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_list_ends_the_run(bench: Bench, sandbox: Sandbox, elsewhere: Sandbox, status: int) -> None:
    bench.source(A="1")
    sandbox.faults.add(Kind.REDIRECT, method="GET", status=status, location=f"{elsewhere.url}/v3/self", times=None)

    run = bench.run()

    assert run.status == Status.FAILED
    assert "Redirects are not followed. Check the base URL of connection “acme”." in run.message
    assert not elsewhere.log.requests()


@pytest.mark.usefixtures("no_pause")
def test_a_redirected_write_is_not_followed(
    bench: Bench, sandbox: Sandbox, organization: SandboxOrganization, elsewhere: Sandbox
) -> None:
    bench.source(A="canary-5d1e")
    sandbox.faults.add(
        Kind.REDIRECT, method="POST", location=f"{elsewhere.url}/v3/organizations/{bench.sync.org_id}/secrets"
    )

    run = bench.run()

    assert not elsewhere.log.requests()
    assert (run.status, organization.values()) == (Status.SUCCEEDED, {"A": "canary-5d1e"})


def test_no_proxy_is_taken_from_the_environment(
    bench: Bench, elsewhere: Sandbox, organization: SandboxOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    bench.source(A="1")

    bench.run()

    assert not elsewhere.log.requests()
    assert organization.values() == {"A": "1"}
