"""Messages about changes: what they say, how they are signed, how often they come, and the routes that cause them."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator

import pytest

from sandbox.infisical.__main__ import build, read_arguments
from sandbox.infisical.server import InfisicalSandbox
from sandbox.infisical.webhooks import Webhook
from sandbox.infisical.world import Edition, Project
from tests.connections.servers import Received, Server, reply, serving
from tests.patience import wait_until
from tests.sandbox.caller import Caller

SECRET = "whsec"
AT = 1_700_000_000.0


def signature_of(body: bytes, secret: str = SECRET) -> str:
    return f"t={json.loads(body)['timestamp']};{hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def hook_to(server: Server, path: str = "/hook") -> Webhook:
    return Webhook(server.url + path, SECRET, pause=0, now=lambda: AT)


@pytest.fixture
def receiver() -> Iterator[Server]:
    with serving(lambda request, sock: reply(200)) as server:
        yield server


def test_a_body_is_signed_as_the_server_signs_it() -> None:
    """The vector was computed apart from this program, over UTF-8."""
    project = {"workspaceId": "p1", "projectId": "p1", "projectName": "Démo", "environment": "dev"}
    project |= {"environmentName": "Development", "secretPath": "/", "changedBy": "a@b.c", "changedByActorType": "user"}
    whole = {"event": "secrets.modified", "project": project, "timestamp": 1700000000000}
    body = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()

    assert Webhook("http://127.0.0.1/", SECRET).headers(body)["x-infisical-signature"] == (
        "t=1700000000000;3af855b021fad68af73b6efbd20eeee4a125f29b95da5a4ccf1a0d22a9fcb536"
    )


def test_a_message_says_where_and_not_what(receiver: Server, shop: Project) -> None:
    assert hook_to(receiver).tell(shop, "dev", "/app") == [200]

    (received,) = receiver.requests
    assert (received.method, received.path) == ("POST", "/hook")
    assert received.headers["content-type"] == "application/json"
    assert received.headers["x-infisical-signature"] == signature_of(received.body)
    assert (received.json["event"], received.json["timestamp"]) == ("secrets.modified", 1_700_000_000_000)
    where = {
        name: received.json["project"][name] for name in ("workspaceId", "projectName", "environment", "secretPath")
    }
    assert where == {"workspaceId": shop.id, "projectName": "The shop", "environment": "dev", "secretPath": "/app"}
    assert b"a-1" not in received.body


def test_another_event_is_named(shop: Project) -> None:
    message = Webhook("http://127.0.0.1/", SECRET).message(shop, "dev", "/", event="test")

    assert json.loads(message)["event"] == "test"


@pytest.mark.parametrize("status", [500, 502, 503])
def test_what_is_not_taken_comes_four_times_the_same(shop: Project, status: int) -> None:
    with serving(lambda request, sock: reply(status)) as receiver:
        assert hook_to(receiver).tell(shop, "dev", "/app") == [status] * 4

        assert len({(each.body, each.headers["x-infisical-signature"]) for each in receiver.requests}) == 1
        assert len(receiver.requests) == 4


def test_it_comes_until_it_is_taken(shop: Project) -> None:
    answers = iter([500, 503, 202])
    with serving(lambda request, sock: reply(next(answers))) as receiver:
        assert hook_to(receiver).tell(shop, "dev", "/app") == [500, 503, 202]


@pytest.mark.parametrize("status", [204, 302, 401, 404])
def test_what_was_answered_without_a_failure_is_not_sent_again(shop: Project, status: int) -> None:
    with serving(lambda request, sock: reply(status)) as receiver:
        assert hook_to(receiver).tell(shop, "dev", "/app") == [status]


def test_no_answer_is_a_failure(shop: Project) -> None:
    def hang_up(request: Received, sock: socket.socket) -> None:
        sock.shutdown(socket.SHUT_RDWR)

    with serving(hang_up) as receiver:
        assert hook_to(receiver).tell(shop, "dev", "/app") == [0, 0, 0, 0]
        assert len({each.body for each in receiver.requests}) == 1


# The routes of the stand-in itself


def change(**other: str) -> dict[str, str]:
    return {"project": "shop", "environment": "dev", "path": "/app", "key": "A", "value": "canary", **other}


def test_a_change_by_hand_is_read_and_told_to_every_webhook(
    infisical: InfisicalSandbox, receiver: Server, stranger: Caller, shop: Project
) -> None:
    infisical.webhooks += [hook_to(receiver, "/one"), hook_to(receiver, "/two")]

    changed = stranger.send("PUT", "/_sandbox/secrets", change())

    assert (changed.status, changed.json) == (200, {"changed": "A"})
    assert [each.value for each in shop.environments["dev"].folders["/app"].secrets] == ["canary", "b-1"]
    wait_until(lambda: len(receiver.requests) == 2)
    assert {each.path for each in receiver.requests} == {"/one", "/two"}
    assert b"canary" not in receiver.requests[0].body


@pytest.mark.parametrize("other", [{"project": "nope"}, {"environment": "nope"}, {"path": "/nope"}])
def test_a_change_of_what_is_not_there_changes_and_tells_nothing(
    infisical: InfisicalSandbox, receiver: Server, stranger: Caller, shop: Project, other: dict[str, str]
) -> None:
    infisical.webhooks.append(hook_to(receiver))

    assert stranger.send("PUT", "/_sandbox/secrets", change(**other)).status == 404

    assert b"canary" not in repr(shop).encode()
    assert set(shop.environments["dev"].folders) == {"/", "/app"}
    assert receiver.requests == []


def test_a_webhook_takes_the_place_of_the_others(infisical: InfisicalSandbox, stranger: Caller) -> None:
    for name in ("one", "two"):
        body = {"url": f"http://127.0.0.1:9/{name}", "secret": name}
        assert stranger.send("PUT", "/_sandbox/webhooks", body).json == {"webhooks": 1}

    assert [(each.url, each.secret) for each in infisical.webhooks] == [("http://127.0.0.1:9/two", "two")]


def test_the_page_can_show_one_folder_and_escapes_names(
    infisical: InfisicalSandbox, stranger: Caller, shop: Project
) -> None:
    infisical.world.put(shop, "prod", "/other", OTHER_KEY="canary")
    shop.name = "<b>Shop</b>"

    page = stranger.send("GET", "/?secretPath=/app")

    assert page.headers["content-security-policy"] == "default-src 'none'"
    assert b"dev:/app has A, B" in page.body
    assert b"OTHER_KEY" not in page.body
    assert b"&lt;b&gt;Shop" in page.body
    assert b"canary" not in page.body


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
def test_nothing_else_is_done_there(stranger: Caller, method: str) -> None:
    assert stranger.send(method, "/_sandbox/secrets", {}).status == 405


def test_the_program_takes_edition_limit_and_webhooks() -> None:
    arguments = ["--port", "0", "--edition", "old", "--secret-reads-per-minute", "5"]
    for number in ("1", "2"):
        arguments += ["--webhook", f"http://127.0.0.1:9/{number}", f"secret-{number}"]

    sandbox = build(read_arguments(arguments))

    assert (sandbox.world.edition, sandbox.world.limits) == (Edition.OLD, {"secrets": 5})
    assert [(each.url, each.secret) for each in sandbox.webhooks] == [
        ("http://127.0.0.1:9/1", "secret-1"),
        ("http://127.0.0.1:9/2", "secret-2"),
    ]
    assert "secret-1" not in repr(sandbox.webhooks)
