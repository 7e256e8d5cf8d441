"""Messages of sources: who is believed, what they start, and what nobody learns from an answer."""

import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client

from api.hooks.models import Hook, HookDelivery
from connections.models import Connection
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.webhooks import ATTEMPTS, Webhook
from sources.linking import link_project
from sources.models import LinkedProject
from sources.protocol import EnvironmentEntry, Found, Place
from syncs.models import DevinSync, SyncRun
from tests.actors import ANYBODY
from tests.api.conftest import ORG
from tests.sources.infisical.scene import connection_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def link() -> LinkedProject:
    with InfisicalSandbox() as server:
        connection = connection_to(server)
        shop = server.world.add_project("shop")
        server.world.put(shop, "dev", "/app", A="1")
        project = link_project(connection, shop.id, by=ANYBODY)
    return LinkedProject.objects.get(project=project)


@pytest.fixture
def hook(link: LinkedProject) -> Hook:
    hook = Hook(link=link)
    hook.renew_secret()
    hook.save()
    return hook


@pytest.fixture
def sync(link: LinkedProject, connection: Connection) -> DevinSync:
    sync = DevinSync(name="shop", project=link.project, connection=connection, org_id=ORG)
    sync.source = Found(Place("dev", "/app"), EnvironmentEntry("dev", "dev"))
    sync.save()
    return sync


def message(link: LinkedProject, *, event: str = "secrets.modified", path: str = "/app", **changes: Any) -> bytes:
    project = {"workspaceId": link.remote_id, "environment": "dev", "secretPath": path}
    return json.dumps({"event": event, "project": project, "timestamp": int(time.time() * 1000), **changes}).encode()


def send(hook_id: object, body: bytes, secret: str, *, signature: str | None = None) -> Any:
    stamp = json.loads(body)["timestamp"] if signature is None else 0
    signed = f"t={stamp};{hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    headers = {"X-Infisical-Signature": signed if signature is None else signature}
    return Client().post(f"/hooks/infisical/{hook_id}", body, content_type="application/json", headers=headers)


def test_a_change_starts_the_syncs_that_read_there(hook: Hook, sync: DevinSync) -> None:
    response = send(hook.pk, message(hook.link), hook.secret())

    assert response.status_code == 200
    assert SyncRun.objects.get().sync == sync
    hook.refresh_from_db()
    assert (hook.last_event, hook.last_problem) == ("secrets.modified", "")
    assert hook.last_delivery_at is not None


def test_a_change_elsewhere_starts_none(hook: Hook, sync: DevinSync) -> None:
    assert send(hook.pk, message(hook.link, path="/other"), hook.secret()).status_code == 200

    assert not SyncRun.objects.exists()


def test_the_same_message_four_times_starts_one_run(hook: Hook, sync: DevinSync) -> None:
    body = message(hook.link)
    for _ in range(ATTEMPTS):
        assert send(hook.pk, body, hook.secret()).status_code == 200
        # Even where each was carried out before the next came.
        SyncRun.objects.pending().update(status="succeeded")

    assert SyncRun.objects.count() == 1
    assert HookDelivery.objects.count() == 1


def test_a_test_is_noted_and_starts_nothing(hook: Hook, sync: DevinSync) -> None:
    assert send(hook.pk, message(hook.link, event="test"), hook.secret()).status_code == 200

    hook.refresh_from_db()
    assert hook.last_event == "test"
    assert not SyncRun.objects.exists()


def test_a_message_about_another_project_is_noted_and_starts_nothing(hook: Hook, sync: DevinSync) -> None:
    other = {"workspaceId": "another", "environment": "dev", "secretPath": "/app"}

    assert send(hook.pk, message(hook.link, project=other), hook.secret()).status_code == 200

    hook.refresh_from_db()
    assert "another project" in hook.last_problem
    assert not SyncRun.objects.exists()


def test_whoever_is_not_believed_learns_nothing(hook: Hook, sync: DevinSync) -> None:
    body = message(hook.link)
    answers = [
        send(hook.pk, body, "another secret"),
        send(uuid4(), body, "another secret"),
        send(uuid4(), body, hook.secret()),
        send("no-id", body, hook.secret()),
        send(hook.pk, body, hook.secret(), signature=""),
        send(hook.pk, message(hook.link, timestamp=1), hook.secret()),
        send(hook.pk, b"not JSON", hook.secret(), signature="t=1;" + "0" * 64),
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (401, b'{"message": "The message is not accepted."}')
    }
    assert not SyncRun.objects.exists()
    hook.refresh_from_db()
    assert hook.last_delivery_at is None
    assert "was not believed" in hook.last_problem


def test_a_message_has_a_largest_size(hook: Hook) -> None:
    assert send(hook.pk, message(hook.link, filler="x" * 70_000), hook.secret()).status_code == 413


def test_messages_are_throttled(hook: Hook, settings: LazySettings) -> None:
    settings.API_RATE_PER_MINUTE = 2

    # A minute may end in between, but not between each of them.
    statuses = {send(hook.pk, message(hook.link), "wrong").status_code for _ in range(12)}

    assert 429 in statuses


def test_only_posts_are_taken(hook: Hook) -> None:
    assert Client().get(f"/hooks/infisical/{hook.pk}").status_code == 405


def test_the_secret_is_shown_once(link: LinkedProject, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))

    page = client.post("/admin/api/hook/add/", {"link": link.pk}).content.decode()

    hook = Hook.objects.get()
    assert hook.secret() in page
    assert f"/hooks/infisical/{hook.pk}" in page
    assert "choose Test there" in page
    for url in (f"/admin/api/hook/{hook.pk}/change/", "/admin/api/hook/"):
        assert hook.secret() not in client.get(url).content.decode()
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM api_hook")
        assert hook.secret() not in str(cursor.fetchall())


def test_a_new_secret_makes_the_old_one_void(hook: Hook, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    old = hook.secret()

    page = client.post(f"/admin/api/hook/{hook.pk}/renew/").content.decode()

    hook.refresh_from_db()
    assert hook.secret() != old
    assert hook.secret() in page
    assert send(hook.pk, message(hook.link), old).status_code == 401
    assert client.get(f"/admin/api/hook/{hook.pk}/renew/").status_code == 405


def test_a_new_secret_takes_its_permission(hook: Hook, client: Client) -> None:
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    assert client.post(f"/admin/api/hook/{hook.pk}/renew/").status_code in (302, 403)
    assert Hook.objects.get().secret() == hook.secret()


def test_the_stand_in_sends_again_until_it_is_taken(live_server: Any, transactional_db: None) -> None:
    with InfisicalSandbox() as server:
        connection = connection_to(server)
        shop = server.world.add_project("shop")
        linked = link_project(connection, shop.id, by=ANYBODY)
        hook = Hook(link=LinkedProject.objects.get(project=linked))
        hook.renew_secret()
        hook.save()
        url = f"{live_server.url}/hooks/infisical/{hook.pk}"

        assert Webhook(url, hook.secret()).tell(shop, "dev", "/app") == [200]
        assert Webhook(url, "wrong").tell(shop, "dev", "/app") == [401]
        assert Webhook("http://127.0.0.1:9", "x", pause=0).tell(shop, "dev", "/app") == [0] * ATTEMPTS
