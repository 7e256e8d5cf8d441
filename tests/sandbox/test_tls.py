"""The stand-in by https, as Devin speaks it."""

import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connections.devin.client import DevinClient
from connections.devin.errors import Ambiguous
from connections.http import Route
from sandbox.__main__ import build_sandbox, read_arguments
from sandbox.certificates import self_signed_certificate
from sandbox.faults import Kind, Moment
from sandbox.server import Sandbox
from tests.patience import PATIENCE, wait_until

ORG = "org-sandbox"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed_certificate(tmp_path)


@pytest.fixture
def sandbox(certificate: Path) -> Iterator[Sandbox]:
    with build_sandbox(read_arguments(["--port", "0", "--host", "localhost", "--tls", str(certificate)])) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox, certificate: Path) -> Iterator[DevinClient]:
    route, deadline = Route(ca_file=str(certificate)), timedelta(seconds=PATIENCE)
    with DevinClient(base_url=sandbox.url, api_key="cog_sandbox", deadline=deadline, route=route) as client:
        yield client


def test_carries_out_what_comes_by_tls(sandbox: Sandbox, client: DevinClient) -> None:
    secret = client.create_secret(ORG, key="KEY", value="canary-value", note="")
    listed = client.list_secrets(ORG)
    client.delete_secret(ORG, secret.secret_id)

    assert sandbox.url.startswith("https://localhost:")
    assert ([one.key for one in listed], client.list_secrets(ORG)) == (["KEY"], ())
    assert sandbox.handshakes == 1


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
def test_faults_come_by_tls_too(sandbox: Sandbox, client: DevinClient, moment: Moment) -> None:
    sandbox.faults.add(Kind.CUT, method="POST", moment=moment)

    with pytest.raises(Ambiguous):
        client.create_secret(ORG, key="KEY", value="canary-value", note="")

    assert len(client.list_secrets(ORG)) == (moment == Moment.AFTER)


def test_knows_by_tls_when_nothing_is_under_way(sandbox: Sandbox, client: DevinClient) -> None:
    client.list_secrets(ORG)

    wait_until(sandbox.is_quiet)


def test_says_what_is_wrong_with_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")

    with pytest.raises(OSError, match="no private key with its certificate") as caught:
        build_sandbox(read_arguments(["--port", "0", "--tls", str(tmp_path / "no.pem")]))

    assert caught.value.filename == str(tmp_path / "no.pem")
    assert not isinstance(caught.value, ssl.SSLError)
