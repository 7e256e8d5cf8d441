"""The product's own sample: its request, with ids that exist, gets its answer, byte by byte but for ids and times."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from connections.models import Connection
from sandbox.organization import Organization as SandboxOrganization
from tests.api.conftest import ORG, Caller
from vault.models import Folder, Project

SAMPLE = json.loads((Path(__file__).parent / "sample.json").read_text())
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def without_ids_and_times(text: str) -> str:
    text = text.replace('"lastSyncJobId": "123"', '"lastSyncJobId": "UUID"')
    return TIME.sub("TIME", UUID.sub("UUID", text))


@pytest.fixture
def sample_body(project: Project, folder: Folder, connection: Connection) -> dict[str, Any]:
    body: dict[str, Any] = SAMPLE["request"]["body"] | {
        "projectId": str(project.pk),
        "connectionId": str(connection.pk),
        "destinationConfig": {"orgId": ORG},
    }
    return body


@pytest.mark.usefixtures("worker")
def test_the_sample_request_gets_the_sample_answer(
    editor: Caller, sample_body: dict[str, Any], organization: SandboxOrganization
) -> None:
    response = editor.send("POST", SAMPLE["request"]["path"] + "?wait=20", sample_body)

    expected = json.dumps(SAMPLE["response"]["body"]).replace("org-...", ORG)
    assert response.status_code == SAMPLE["response"]["status"]
    assert without_ids_and_times(json.dumps(json.loads(response.content))) == without_ids_and_times(expected)
    assert organization.values() == {"DB_URL": "postgres://db", "API_KEY": "k-123"}


@pytest.mark.usefixtures("queue")
def test_without_waiting_the_sample_is_pending(editor: Caller, sample_body: dict[str, Any]) -> None:
    answer = editor.post(SAMPLE["request"]["path"], sample_body)["secretSync"]

    assert list(answer) == list(SAMPLE["response"]["body"]["secretSync"])
    assert (answer["syncStatus"], answer["lastSyncedAt"]) == ("pending", None)
