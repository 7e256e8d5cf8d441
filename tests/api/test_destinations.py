"""Where a sync writes is as much a way for values out as what it reads."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission

from connections.models import Connection
from syncs.models import DevinSync
from tests.api.conftest import ORG, Caller, make_caller, make_user

DEVIN = "/api/v1/secret-syncs/devin"
ELSEWHERE = {"destinationConfig": {"orgId": "org-elsewhere"}}


def somebody_with(*codenames: str) -> Caller:
    user = make_user("mover", "Operator")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return make_caller(user)


@pytest.mark.parametrize("lacking", ["use_connection", "reveal_secret"])
@pytest.mark.parametrize("by", ["organization", "connection"])
def test_moving_a_sync_takes_the_rights_that_making_one_takes(sync: DevinSync, lacking: str, by: str) -> None:
    held = {"change_devinsync", "use_connection", "reveal_secret"} - {lacking}
    other = Connection.objects.create(name="other", base_url=sync.connection.base_url)
    change: dict[str, Any] = ELSEWHERE if by == "organization" else {"connectionId": str(other.pk)}

    answer = somebody_with(*held).patch(f"{DEVIN}/{sync.pk}", change, status=403)

    assert lacking in answer["message"]
    kept = DevinSync.objects.get(pk=sync.pk)
    assert (kept.org_id, kept.connection.name) == (ORG, "my-devin-connection")


def test_sending_the_same_destination_again_is_no_move(sync: DevinSync) -> None:
    caller = somebody_with("change_devinsync")

    caller.patch(f"{DEVIN}/{sync.pk}", {"name": "renamed", "destinationConfig": {"orgId": ORG}})

    assert DevinSync.objects.get(pk=sync.pk).name == "renamed"
