"""Organizations by name: accepted where one has it, refused at their field else, and the id and name answered."""

from typing import Any

import pytest

from connections.models import Connection, Organization
from syncs.models import DevinSync
from tests.api.conftest import ORG, Caller

DEVIN = "/api/v1/secret-syncs/devin"


@pytest.fixture(autouse=True)
def _named(connection: Connection) -> None:
    named = {"org-pay": "Payments", "org-a": "Twice", "org-b": "Twice"}
    rows = [Organization(connection=connection, org_id=org_id, name=name) for org_id, name in named.items()]
    Organization.objects.bulk_create(rows)


@pytest.mark.usefixtures("queue")
def test_a_sync_is_made_and_moved_by_a_name(editor: Caller, sync_body: dict[str, Any], connection: Connection) -> None:
    made = editor.post(DEVIN, sync_body | {"destinationConfig": {"orgId": "Payments"}})["secretSync"]
    told = [(made["destinationConfig"], made["organization"])]
    for entered in (ORG, "Payments"):
        moved = editor.patch(f"{DEVIN}/{made['id']}", {"destinationConfig": {"orgId": entered}})["secretSync"]
        told.append((moved["destinationConfig"], moved.get("organization")))

    assert told == [({"orgId": "org-pay"}, "Payments"), ({"orgId": ORG}, None), ({"orgId": "org-pay"}, "Payments")]


def test_a_destination_is_checked_by_a_name(viewer: Caller, sync: DevinSync, connection: Connection) -> None:
    DevinSync.objects.update(org_id="org-pay")
    body = {"projectId": str(sync.project_id), "connectionId": str(connection.pk)}

    found = viewer.post(f"{DEVIN}/check-destination", body | {"destinationConfig": {"orgId": "Payments"}})

    assert found == {"hasDuplicate": True, "duplicateProjectId": str(sync.project_id), "orgId": "org-pay"}
    # Nobody knows names without a connection.
    del body["connectionId"]
    viewer.post(f"{DEVIN}/check-destination", body | {"destinationConfig": {"orgId": "Payments"}}, status=422)


@pytest.mark.parametrize("name", ["Twice", "Unknown"])
def test_another_name_is_refused_at_its_field(
    editor: Caller, sync_body: dict[str, Any], sync: DevinSync, connection: Connection, name: str
) -> None:
    part = {"destinationConfig": {"orgId": name}}
    check = {"projectId": str(sync.project_id), "connectionId": str(connection.pk)} | part

    refused = [
        editor.post(DEVIN, sync_body | {"name": "other"} | part, status=422),
        editor.patch(f"{DEVIN}/{sync.pk}", part, status=422),
        editor.post(f"{DEVIN}/check-destination", check, status=422),
    ]

    issues = [issue for answer in refused for issue in answer["message"]]
    assert [issue["path"] for issue in issues] == [["destinationConfig", "orgId"]] * 3
    told = {"Twice": "several organizations of this name", "Unknown": "no organization of this name"}[name]
    assert all(told in issue["message"] and name not in issue["message"] for issue in issues)
