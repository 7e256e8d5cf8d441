"""Contract tests: schemathesis plays every route of the document, with good input and bad.

No answer is a 5xx, and every answer has a status, a type, headers and a shape that the document declares.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.urls import reverse
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import api
from api.http.foreseeing import DECLARATION, PLAN
from api.http.openapi import REQUEST_ID
from api.models import ApiToken
from api.resources.base import EXAMPLE_ID
from connections.models import Connection
from fleets.choices import Cause, RolloutState
from fleets.choices import State as MemberState
from fleets.models import Member, Rollout, SyncSet
from notices.choices import State, Way
from notices.models import Channel, Delivery, Incident, Rule
from sandbox.server import Sandbox
from syncs.choices import Trigger
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import API_KEY, ORG
from vault.editing import set_secrets
from vault.editing.seals import make_folder
from vault.models import Environment, Project

pytestmark = pytest.mark.usefixtures("one_connection", "queue")

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 5}


def load_schema() -> Any:
    """The header that every route takes is left to the routes that take nothing else: to make it up took a quarter of
    the time, and most of what was sent wrong was it."""
    reverse("api:openapi-json")
    document = api.get_openapi_schema()
    for item in document["paths"].values():
        for operation in item.values():
            if operation["parameters"] != [REQUEST_ID] or "requestBody" in operation:
                operation["parameters"].remove(REQUEST_ID)
    schema = schemathesis.openapi.from_dict(document)
    # Not the site's own, which looks at the database as it is imported.
    schema.app = get_wsgi_application()
    return schema


def operations() -> Iterator[Any]:
    for found in load_schema().get_all_operations():
        operation = found.ok()
        yield pytest.param(operation, id=operation.label)


@pytest.fixture
def one_connection() -> Iterator[None]:
    """A server gives its database connection back after each request; here the test's transaction is on it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch, db: None, sandbox: Sandbox, settings: LazySettings) -> str:
    """A superuser's token, in a world whose things have the very ids of the document's examples."""
    settings.DEVIN_API_URL = sandbox.url
    monkeypatch.setattr("api.http.waiting.LONGEST_WAIT", 0.01)
    project = Project.objects.create(id=EXAMPLE_ID, name="Billing", slug="billing-now")
    environment = Environment.objects.create(id=EXAMPLE_ID, project=project, name="Development", slug="dev")
    root = make_folder(environment, path="/")
    folder = make_folder(environment, path="/my-secrets", parent=root, name="my-secrets", id_=UUID(EXAMPLE_ID))
    set_secrets(folder, {"DB_URL": "postgres://db"}, by=ANYBODY)
    connection = Connection(id=EXAMPLE_ID, name="my-devin-connection", base_url=sandbox.url)
    connection.set_api_key(API_KEY)
    connection.save(force_insert=True)
    sync = DevinSync.objects.create(
        id=EXAMPLE_ID, name="my-devin-sync", project=project, folder=folder, connection=connection, org_id=ORG
    )
    SyncRun.objects.create(id=EXAMPLE_ID, sync=sync, sync_name=sync.name, org_id=ORG, trigger=Trigger.API)
    make_set(sync)
    tell_of(sync)
    return ApiToken.issue(User.objects.create_superuser("root"), "schemathesis")[1]


def make_set(sync: DevinSync) -> None:
    each = SyncSet(id=EXAMPLE_ID, name="all", project=sync.project, folder=sync.folder, connection=sync.connection)
    each.save(force_insert=True)
    Member.objects.create(set=each, org_id=ORG, slug="sandbox", state=MemberState.WAITING)
    Rollout.objects.create(id=EXAMPLE_ID, set=each, state=RolloutState.STOPPED, cause=Cause.CHANGE)


def tell_of(sync: DevinSync) -> None:
    """By mail, for which there is no server here: a test of the channel says so at once."""
    channel = Channel(id=EXAMPLE_ID, name="On-call", way=Way.MAIL)
    channel.set_address("oncall@example.com", shown="oncall@example.com")
    channel.save(force_insert=True)
    Rule.objects.create(id=1, channel=channel, events=["failed"], sync=sync)
    incident = Incident.objects.create(id=EXAMPLE_ID, event="failed", subject="sync:1", title="Failed", link="/admin/")
    delivery = Delivery.objects.create(id=EXAMPLE_ID, channel=channel, state=State.FAILED, subject="Failed")
    delivery.notices.create(incident=incident, channel=channel)


@pytest.mark.parametrize("operation", list(operations()))
def test_answers_are_as_the_document_says(operation: Any, token: str) -> None:
    for mode, count in EXAMPLES.items():
        play(operation, mode, count, token)


def play(operation: Any, mode: GenerationMode, count: int, token: str) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        response = case.call(headers={"Authorization": f"Bearer {token}"})
        if asks_for_effects(case) and response.status_code == 200:
            # Told in the words of the parameter: the answer's own shape is that of what was changed.
            assert "effects" in response.json()
            assert set(response.json()) <= {"effects", "danglingReferences"}
            return
        case.validate_response(response, checks=CHECKS)

    check()


def asks_for_effects(case: Any) -> bool:
    declared = case.operation.definition.raw.get("parameters", [])
    return DECLARATION in declared and (case.query or {}).get(PLAN) == "true"


def test_the_examples_of_the_document_work(token: str) -> None:
    """Each route gets what the document shows, in a world that has what the document names."""
    for found in load_schema().get_all_operations():
        operation = found.ok()
        for strategy in operation.get_strategies_from_examples():
            check_example(strategy, token)


def check_example(strategy: Any, token: str) -> None:
    @given(case=strategy)
    @settings(max_examples=1, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        response = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(response, checks=CHECKS)

    check()
