"""The algorithm to compare with does what is published of it, request by request."""

from collections.abc import Iterator

import pytest
import requests

from benchmarks.sequential_upsert import sync
from sandbox.organization import Duplicates
from sandbox.server import Sandbox

ORG = "org-sandbox"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


def upsert(sandbox: Sandbox, **desired: str) -> list[str]:
    """The methods that it used, in order."""
    sandbox.clear_traffic()
    sync(sandbox.url, "cog_sandbox", ORG, desired)
    return [entry.method for entry in sandbox.log.requests()]


@pytest.mark.parametrize("mode", [Duplicates.REJECT_409, Duplicates.REJECT_422])
def test_writes_every_key_every_time(sandbox: Sandbox, mode: Duplicates) -> None:
    sandbox.settings.duplicates = mode

    first, second = upsert(sandbox, A="1", B="2"), upsert(sandbox, A="1", B="2")

    assert first == ["GET", "POST", "POST"]
    assert second == ["GET", *["POST", "DELETE", "POST"] * 2]
    assert sandbox.organization(ORG).values() == {"A": "1", "B": "2"}


def test_deletes_the_stale_last(sandbox: Sandbox) -> None:
    upsert(sandbox, A="1", B="2")

    methods = upsert(sandbox, A="1")

    assert methods == ["GET", "POST", "DELETE", "POST", "DELETE"]
    assert sandbox.organization(ORG).values() == {"A": "1"}


def test_reads_every_page(sandbox: Sandbox) -> None:
    upsert(sandbox, A="1", B="2", C="3")
    sandbox.settings.page_size = 1

    methods = upsert(sandbox)

    assert methods == ["GET"] * 3 + ["DELETE"] * 3


def test_keeps_one_connection(sandbox: Sandbox) -> None:
    upsert(sandbox, A="1", B="2", C="3")

    assert len({entry.connection for entry in sandbox.log.requests()}) == 1


def test_gives_up_at_the_first_refusal(sandbox: Sandbox) -> None:
    sandbox.refuse_value("A")

    with pytest.raises(requests.HTTPError):
        upsert(sandbox, A="1")
