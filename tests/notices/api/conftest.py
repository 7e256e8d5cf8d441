"""Callers of the API, and a history of what was told."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.roles import ADMINISTRATOR
from notices.choices import State, Way
from notices.models import Channel, Delivery, Incident
from tests.api.conftest import Caller, make_caller, make_user


@pytest.fixture(autouse=True)
def _quick(settings: LazySettings) -> None:
    settings.API_RATE_PER_MINUTE = 0


@pytest.fixture
def caller(db: None) -> Caller:
    return make_caller(make_user("adam", ADMINISTRATOR))


@pytest.fixture
def channel(add_channel: Callable[..., Channel]) -> Channel:
    """A way that nobody is reached by: mail has no server here."""
    return add_channel("canary-8841@example.com", Way.MAIL)


@pytest.fixture
def history(channel: Channel) -> list[Incident]:
    """Five incidents, the newest last, of which the first two are over; the channel failed to be told of each."""
    made = []
    for number in range(5):
        at = timezone.now() - timedelta(minutes=5 - number)
        incident = Incident.objects.create(
            event="workers" if number == 4 else "failed",
            subject=f"sync:{number}",
            title=f"Incident {number}",
            opened_at=at,
            closed_at=at if number < 2 else None,
        )
        delivery = Delivery.objects.create(
            channel=channel, state=State.FAILED, subject=incident.title, answer="554 no", created_at=at
        )
        delivery.notices.create(incident=incident, channel=channel)
        made.append(incident)
    return made
