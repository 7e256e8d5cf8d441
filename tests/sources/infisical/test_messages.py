"""Whether a message of a webhook is real and of now, by what a server sent and by what nobody should."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.infisical.webhooks import Webhook
from sandbox.infisical.world import World
from sources.infisical.messages import NotReal, understand
from sources.protocol import Place

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET = "whsec"
FOLDER = Path(__file__).parent / "recordings"


def signed(body: bytes, *, secret: str = SECRET, t: object = None) -> str:
    t = json.loads(body)["timestamp"] if t is None else t
    return f"t={t};{hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def body_at(moment: datetime = NOW, **changes: Any) -> bytes:
    project = {"workspaceId": "p1", "environment": "dev", "secretPath": "/app"}
    told = {"event": "secrets.modified", "project": project, "timestamp": int(moment.timestamp() * 1000)}
    return json.dumps({**told, **changes}).encode()


@pytest.mark.parametrize("name", ["webhook_delivery_secrets_modified", "webhook_delivery_test"])
def test_what_a_server_sent_is_understood(name: str) -> None:
    recorded = json.loads((FOLDER / f"{name}.json").read_text())
    body, signature = recorded["raw_body"].encode(), recorded["headers"]["x-infisical-signature"]
    sent_at = datetime.fromtimestamp(json.loads(body)["timestamp"] / 1000, UTC)

    message = understand(body, signature, recorded["secret"], now=sent_at + timedelta(seconds=2))

    assert (message.project_id, message.place) == ("77fa7aed-9288-401e-a4c9-3a9430be62a4", Place("dev", "/"))
    assert message.tells_of_a_change is name.endswith("modified")


def test_a_newer_body_with_other_letters_than_ascii() -> None:
    body = (
        '{"event":"secrets.modified","project":{"workspaceId":"p1","projectId":"p1","projectName":"Démo",'
        '"environment":"dev","environmentName":"Development","secretPath":"/","changedBy":"a@b.c",'
        '"changedByActorType":"user"},"timestamp":1700000000000}'
    ).encode()
    signature = "t=1700000000000;3af855b021fad68af73b6efbd20eeee4a125f29b95da5a4ccf1a0d22a9fcb536"

    message = understand(body, signature, SECRET, now=datetime.fromtimestamp(1_700_000_000, UTC))

    assert (message.project_id, message.place) == ("p1", Place("dev", "/"))


@pytest.mark.parametrize("off", [timedelta(minutes=-4), timedelta(0), timedelta(minutes=4)])
def test_clocks_may_differ_a_little(off: timedelta) -> None:
    body = body_at(NOW + off)

    assert understand(body, signed(body), SECRET, now=NOW).place == Place("dev", "/app")


@pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6), timedelta(days=-1000)])
def test_an_old_message_is_refused(off: timedelta) -> None:
    body = body_at(NOW + off)

    with pytest.raises(NotReal, match="not of the last five minutes"):
        understand(body, signed(body), SECRET, now=NOW)


RIGHT = body_at()


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1",
        signed(RIGHT, secret="other"),
        signed(RIGHT).upper(),
        signed(RIGHT)[:-1],
        signed(RIGHT) + "0",
        signed(RIGHT).replace("t=", "T="),
        signed(RIGHT).replace(";", ","),
        " " + signed(RIGHT),
        signed(RIGHT) + "\n",
        signed(RIGHT).partition(";")[2],
        signed(RIGHT, t="-1"),
        signed(RIGHT, t="9" * 400),
        signed(RIGHT, t="١٢٣"),
        signed(body_at(event="test")),
    ],
)
def test_another_signature_is_refused(signature: str) -> None:
    with pytest.raises(NotReal):
        understand(RIGHT, signature, SECRET, now=NOW)


def test_header_and_body_must_tell_the_same_time() -> None:
    with pytest.raises(NotReal, match="different times"):
        understand(RIGHT, signed(RIGHT, t=int(NOW.timestamp() * 1000) + 1), SECRET, now=NOW)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff", b"{}", b'{"timestamp": true}', b"[" * 100_000]
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(NotReal):
        understand(body, signed(body, t=1), SECRET, now=datetime.fromtimestamp(0, UTC))


@pytest.mark.parametrize("project", [None, [], "p1", {}, {"workspaceId": 7}, {"workspaceId": "p1", "environment": ""}])
def test_what_does_not_say_where_may_be_anywhere(project: object) -> None:
    body = body_at(project=project)

    assert understand(body, signed(body), SECRET, now=NOW).place is None


@pytest.mark.parametrize(
    "odd", ["\x00", "\ud800", "\n", "\u202e"], ids=["NUL", "half a character", "line", "turned round"]
)
@pytest.mark.parametrize("name", ["event", "environment", "secretPath", "projectId"])
def test_what_no_name_has_is_refused(name: str, odd: str) -> None:
    project = {"workspaceId": "p1", "environment": "dev", "secretPath": "/app", name: f"a{odd}b"}
    body = body_at(project=project, event=f"a{odd}b" if name == "event" else "secrets.modified")

    with pytest.raises(NotReal, match="no name has"):
        understand(body, signed(body), SECRET, now=NOW)


def test_the_stand_in_signs_as_a_server_does() -> None:
    hook = Webhook("http://nowhere", SECRET, now=NOW.timestamp)
    body = hook.message(World().add_project("shop"), "dev", "/app")

    assert understand(body, hook.headers(body)["x-infisical-signature"], SECRET, now=NOW).place == Place("dev", "/app")
