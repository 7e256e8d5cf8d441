"""Connections to Devin serve one run after another, by TLS as Devin speaks it: how many handshakes, exactly."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from sandbox.__main__ import read_certificate
from sandbox.certificates import self_signed_certificate
from sandbox.faults import Kind
from sandbox.server import Sandbox
from syncs.choices import Status
from tests.syncs.conftest import Bench

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rung", "no_pause", "trusted")]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed_certificate(tmp_path)


@pytest.fixture
def sandbox(certificate: Path) -> Iterator[Sandbox]:
    with Sandbox(host="localhost", tls=read_certificate(certificate)) as server:
        yield server


@pytest.fixture
def trusted(settings: LazySettings, certificate: Path, never_idle: None) -> None:
    settings.OUTBOUND_CA_BUNDLE = str(certificate)


@pytest.fixture
def one_request_at_a_time(bench: Bench) -> None:
    bench.sync.connection.concurrency = 1
    bench.sync.connection.save()


@pytest.mark.usefixtures("one_request_at_a_time")
def test_many_runs_cost_one_handshake(bench: Bench, sandbox: Sandbox) -> None:
    for number in range(6):
        bench.source(KEY=f"value {number}", OTHER=f"value {number // 2}")
        assert bench.run().status == Status.SUCCEEDED

    assert sandbox.handshakes == 1
    assert len(sandbox.log.writes()) == 2 + 3 * 5 + 3 * 2


def test_runs_that_write_side_by_side_cost_no_more_than_they_send_at_once(bench: Bench, sandbox: Sandbox) -> None:
    for number in range(4):
        bench.source(**{f"KEY_{key}": f"value {number}" for key in range(12)})
        assert bench.run().status == Status.SUCCEEDED

    assert sandbox.handshakes <= bench.sync.connection.concurrency


@pytest.mark.usefixtures("one_request_at_a_time")
def test_another_key_of_devin_costs_another(bench: Bench, sandbox: Sandbox) -> None:
    bench.run()
    bench.sync.connection.set_api_key("cog_sandbox_again")
    bench.sync.connection.save()
    sandbox.directory.declare_key("cog_sandbox_again", org_id=bench.sync.org_id)
    assert bench.run().status == Status.SUCCEEDED

    assert sandbox.handshakes == 2


@pytest.mark.usefixtures("one_request_at_a_time")
def test_after_an_answer_that_never_came_none_is_kept(bench: Bench, sandbox: Sandbox) -> None:
    bench.source(KEY="value")
    sandbox.faults.add(Kind.CUT, method="POST", moment="after")
    assert bench.run().status == Status.SUCCEEDED
    before = sandbox.handshakes

    bench.source(KEY="other")
    assert bench.run().status == Status.SUCCEEDED

    assert sandbox.handshakes == before + 1
