"""A client whose pauses take no time, and the clock that they move."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import responses

from connections.devin.client import DevinClient
from tests.patience import PATIENCE

API_KEY = "cog_canary-of-an-api-key"
URL = "https://devin.example"


@dataclass
class Clock:
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Iterator[DevinClient]:
    with open_client(URL, clock=clock) as client:
        yield client


@pytest.fixture
def devin() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as devin:
        yield devin


def open_client(
    url: str,
    *,
    clock: Clock | None = None,
    deadline: float = PATIENCE,
    concurrency: int = 4,
    fence: Callable[[], None] | None = None,
) -> DevinClient:
    """In real time unless it gets a clock."""
    return DevinClient(
        base_url=url,
        api_key=API_KEY,
        deadline=timedelta(seconds=deadline),
        concurrency=concurrency,
        fence=fence,
        name="acme",
        wait=clock.wait if clock else time.sleep,
        clock=clock or time.monotonic,
    )
