"""Another proxy, or other authorities, of a connection that syncs use: as another address."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError
from django.test import Client
from django.urls import reverse

from accounts.roles import EDITOR
from sandbox.certificates import self_signed_certificate
from sandbox.server import Sandbox
from syncs.choices import Status
from syncs.editing.addresses import agree_to_address
from syncs.errors import NotRunnable
from syncs.models import DevinSync
from tests.api.conftest import Caller, make_caller, make_user
from tests.syncs.conftest import API_KEY, Bench, Manage
from tests.syncs.editing.test_addresses import PLAN, REVEAL, RUN, USE, person, token_on

PROXY = "http://127.0.0.1:9"
ELSEWHERE = "https://devin.example.com"


@pytest.fixture
def editor(db: None) -> Caller:
    return make_caller(make_user("editor", EDITOR))


def reroute(sync: DevinSync, base_url: str = "", **parameters: str) -> None:
    connection = sync.connection
    connection.refresh_from_db()
    connection.base_url = base_url or connection.base_url
    connection.parameters = parameters
    connection.set_api_key(API_KEY)
    connection.save()
    sync.refresh_from_db()


@pytest.fixture
def rerouted(bench: Bench) -> DevinSync:
    """Agreed to at an address that nothing listens at, then sent there by a proxy."""
    reroute(bench.sync, ELSEWHERE)
    agree_to_address(bench.sync, ELSEWHERE, deletions=[], user=None)
    reroute(bench.sync, proxy=PROXY)
    return bench.sync


def test_nothing_goes_by_a_new_way_that_nobody_has_looked_at(bench: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    bench.source(A="canary")
    before = len(sandbox.log.requests())
    pem = self_signed_certificate(tmp_path).read_text()
    reroute(bench.sync, caCertificate=pem)

    run = bench.run()

    assert (run.status, run.blocked_reason, run.requests_sent) == (Status.BLOCKED, "new_address", 0)
    assert f"now leads to {sandbox.url} trusting the CA" in run.message
    assert pem not in run.message
    assert len(sandbox.log.requests()) == before
    reroute(bench.sync)
    assert bench.run().status == Status.SUCCEEDED


def test_a_way_that_changed_since_is_not_agreed_to(rerouted: DevinSync) -> None:
    for seen in (ELSEWHERE, f"{ELSEWHERE} through http://127.0.0.1:8"):
        with pytest.raises(NotRunnable, match="pointed elsewhere since"):
            agree_to_address(rerouted, seen, deletions=[], user=None)

    agree_to_address(rerouted, f"{ELSEWHERE} through {PROXY}", deletions=[], user=None)

    rerouted.refresh_from_db()
    assert not rerouted.is_elsewhere


def test_the_pages_of_the_sync_tell_it(client: Client, rerouted: DevinSync) -> None:
    client.force_login(person("view_devinsync", RUN, PLAN, USE, REVEAL))

    for name in ("change", "plan"):
        shown = client.get(reverse(f"admin:syncs_devinsync_{name}", args=[rerouted.pk])).content.decode()
        assert f"now leads to {ELSEWHERE} through {PROXY}, before to {ELSEWHERE}." in shown


def test_a_plan_seen_by_another_way_does_not_count(client: Client, bench: Bench, sandbox: Sandbox) -> None:
    client.force_login(person("view_devinsync", RUN, PLAN, USE, REVEAL))
    reroute(bench.sync, caCertificate="one")
    page = reverse("admin:syncs_devinsync_plan", args=[bench.sync.pk])
    DevinSync.objects.update(agreed_way=" through another")
    reroute(bench.sync)
    token = token_on(client.get(page))
    reroute(bench.sync, caCertificate="two")

    response = client.post(reverse("admin:syncs_devinsync_run", args=[bench.sync.pk]), {"agreed": token})

    assert response["Location"] == page
    bench.sync.refresh_from_db()
    assert bench.sync.is_elsewhere


def test_by_the_api_it_takes_the_version_that_was_seen(rerouted: DevinSync, editor: Caller) -> None:
    route, version = f"/api/v1/secret-syncs/devin/{rerouted.pk}/agree-to-address", rerouted.connection.version
    for seen in ({}, {"connectionVersion": version - 1}):
        assert "pointed elsewhere since" in editor.post(route, {"baseUrl": ELSEWHERE} | seen, status=400)["message"]

    editor.post(route, {"baseUrl": ELSEWHERE, "connectionVersion": version})

    rerouted.refresh_from_db()
    assert not rerouted.is_elsewhere


# In the document


@pytest.fixture
def document(rerouted: DevinSync, manage: Manage) -> dict[str, Any]:
    return yaml.safe_load(manage("export"))  # type: ignore[no-any-return]


def test_it_is_told_without_a_login(rerouted: DevinSync, manage: Manage) -> None:
    rerouted.connection.set_credentials({"apiKey": API_KEY, "proxy": "http://alice:canary@127.0.0.1:9"})
    rerouted.connection.save()

    printed = manage("export")

    assert yaml.safe_load(printed)["connections"][0]["proxy"] == PROXY
    assert "canary" not in printed


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"proxy": "http://127.0.0.1:8"}, "has another proxy.*API key is entered again"),
        ({"proxy": None}, "has another proxy.*API key is entered again"),
        ({"proxy": "http://alice:canary@127.0.0.1:8"}, "Leave out the login"),
        ({"proxy": "http://10.0.0.7:3128"}, "OUTBOUND_PROXIES"),
        ({"proxy": 3128}, "put it in quotes"),
        ({"ca_certificate": "canary"}, "as PEM"),
        ({"base_url": "http://127.0.0.1:8", "api_key_env": "KEY"}, "https addresses alone"),
    ],
)
def test_another_is_applied_with_a_key_alone(
    document: dict[str, Any], manage: Manage, tmp_path: Path, said: dict[str, Any], told: str
) -> None:
    document["connections"][0] |= said
    (tmp_path / "syncs.yaml").write_text(yaml.safe_dump(document))

    with pytest.raises(CommandError, match=told) as refused:
        manage("apply", str(tmp_path / "syncs.yaml"))

    assert "canary" not in str(refused.value)


def test_applied_with_a_key_it_waits_for_a_person(
    document: dict[str, Any], rerouted: DevinSync, manage: Manage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", API_KEY)
    document["connections"][0] |= {"proxy": None, "api_key_env": "KEY"}
    (tmp_path / "syncs.yaml").write_text(yaml.safe_dump(document))
    agree_to_address(rerouted, rerouted.connection.where, deletions=[], user=None)

    manage("apply", str(tmp_path / "syncs.yaml"))

    rerouted.refresh_from_db()
    assert (rerouted.connection.where, rerouted.is_elsewhere) == (ELSEWHERE, True)
    assert rerouted.connection.has_api_key(API_KEY)


@pytest.mark.parametrize("said", [{"proxy": None}, {"base_url": "http://127.0.0.1:9", "proxy": None}])
def test_a_document_points_nothing_elsewhere_for_whoever_may_not(
    document: dict[str, Any], rerouted: DevinSync, said: dict[str, Any]
) -> None:
    caller = make_caller(
        person("view_devinsync", "change_devinsync", "view_connection", "change_connection", "use_connection")
    )
    document = {"connections": [document["connections"][0] | said | {"api_key_env": "KEY"}]}
    body = {"document": yaml.safe_dump(document), "keys": {"KEY": API_KEY}}

    answer = caller.post("/api/v1/sync-declaration/apply", body, status=403)

    assert "1 sync sends values through" in answer["message"]
    rerouted.connection.refresh_from_db()
    assert rerouted.connection.parameters == {"proxy": PROXY}
