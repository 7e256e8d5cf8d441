"""A sync to run, and a Prometheus that scrapes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.conf import LazySettings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from common import counting
from tests.syncs.conftest import (  # noqa: F401 - fixtures
    bench,
    connection,
    folder,
    no_pause,
    organization,
    project,
    rung,
    sandbox,
    sync,
)

TOKEN = "t" * 32
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Scraped:
    samples: list[Sample]

    def __call__(self, name: str, **labels: str) -> float:
        """The one sample of that name that has these labels, among others perhaps."""
        (found,) = [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]
        return float(found.value)

    def labels(self, name: str) -> set[tuple[str, ...]]:
        return {tuple(one.labels.values()) for one in self.samples if one.name == name}


Scrape = Callable[[], Scraped]


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    """Other tests in this process have counted too."""
    counting.tally.take()
    yield
    counting.tally.take()


@pytest.fixture
def token(settings: LazySettings) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


@pytest.fixture
def scrape(client: Client, token: str, db: None) -> Scrape:
    """After all processes have saved what they counted."""

    def get() -> Scraped:
        assert counting.save_now()
        response = client.get("/metrics", headers=AUTHORIZED)
        assert response.status_code == 200
        families = text_string_to_metric_families(response.content.decode())
        return Scraped([sample for family in families for sample in family.samples])

    return get
