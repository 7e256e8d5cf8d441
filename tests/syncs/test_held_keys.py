"""What syncs and their runs do with the key of a connection, as a rotation of it is told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connections.models import Connection
from connections.rotation.uses import is_under_way_since_before, used_organizations
from syncs.choices import Trigger
from syncs.models import Destination, DevinSync
from syncs.runs.ask import request_run
from syncs.runs.claim import claim
from tests.syncs.conftest import ORG

pytestmark = pytest.mark.django_db


def test_the_organizations_of_a_connection_are_those_of_its_syncs(sync: DevinSync, connection: Connection) -> None:
    sync.is_enabled = False
    sync.save()

    assert used_organizations(connection) == [ORG]
    assert used_organizations(Connection(name="other")) == []


def test_a_run_that_began_before_is_under_way_until_its_lease_is_over(sync: DevinSync, connection: Connection) -> None:
    run = request_run(sync, trigger=Trigger.MANUAL)
    moment = timezone.now() + timedelta(seconds=1)
    assert not is_under_way_since_before(connection, moment), "it waits, and reads the key when it begins"
    claimed = claim(run.pk)
    assert claimed is not None

    assert is_under_way_since_before(connection, moment)
    assert not is_under_way_since_before(connection, run.queued_at - timedelta(days=1)), "it began after that"
    assert not is_under_way_since_before(Connection(name="other"), moment)
    Destination.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert not is_under_way_since_before(connection, moment)
